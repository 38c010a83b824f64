internal import CHostSystem

/// Gives memory back to the system that has been freed and is kept for what comes next, where that is much: glibc keeps it between
/// blocks that are in use. Any thread; others that allocate may wait for some milliseconds.
package func returnFreeMemory() { hs_return_memory(64 << 20) }
