/// Elements of which the smallest is at hand; to add one and to take the smallest takes logarithmic time.
struct MinHeap<Element: Comparable> {
    /// Each element is no larger than those at `2 * index + 1` and `2 * index + 2`.
    private var elements: [Element] = []

    var first: Element? { elements.first }
    var count: Int { elements.count }

    mutating func insert(_ element: Element) {
        elements.append(element)
        var index = elements.count - 1
        while index > 0, elements[index] < elements[(index - 1) / 2] {
            elements.swapAt(index, (index - 1) / 2)
            index = (index - 1) / 2
        }
    }

    @discardableResult
    mutating func removeFirst() -> Element? {
        guard let first = elements.first, let last = elements.popLast() else { return nil }
        if elements.isEmpty { return first }
        elements[0] = last
        var index = 0
        while true {
            var smallest = index
            for child in [2 * index + 1, 2 * index + 2] where child < elements.count {
                if elements[child] < elements[smallest] { smallest = child }
            }
            if smallest == index { return first }
            elements.swapAt(index, smallest)
            index = smallest
        }
    }

    mutating func removeAll(where isGone: (Element) -> Bool) {
        // What is sorted is in the order of a heap.
        elements = elements.filter { !isGone($0) }.sorted()
    }
}
