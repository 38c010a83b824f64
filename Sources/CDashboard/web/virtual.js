// A list that holds only the rows that can be seen, so its length does not matter.

import { h } from './dom.js';

/** Rows come and go in groups of so many, so that most frames of a slow scroll only move what is painted. */
const group = 8;
/** How many rows beyond those that can be seen are filled in one frame. */
const most = 4;
/** How many rows are made in one frame; to make one takes longer than to fill it anew. */
const mostMade = 8;

/**
 * `create()` makes an empty row, `update(row, index)` fills it; rows are used again, so `update` sets all that differs.
 * Rows have one height, and no role where `rowRole` is null, as buttons need none, which `rowHeight()` gives, asked anew after `refresh(true)`.
 */
export class VirtualList {
  constructor({ rowHeight, create, update, label, role = 'list', rowRole = 'listitem', nearEnd = () => {} }) {
    Object.assign(this, { rowHeight, create, update, rowRole, nearEnd });
    this.count = 0;
    this.rows = new Map();
    this.spare = [];
    this.space = h('div', { class: 'virtual-space', role: 'presentation' });
    this.element = h('div', { class: 'virtual', role, 'aria-label': label, tabindex: '-1' }, this.space);
    this.height = rowHeight();
    this.frame = 0;
    // Kept, since to ask for them within a frame has the page laid out twice.
    this.top = 0;
    this.room = 0;
    this.element.addEventListener('scroll', () => {
      this.top = this.element.scrollTop;
      this.schedule();
    }, { passive: true });
    this.observer = new ResizeObserver(() => {
      this.measure();
      this.refresh(true);
      this.draw();
    });
    this.observer.observe(this.element);
  }

  measure() {
    this.top = this.element.scrollTop;
    this.room = this.element.clientHeight;
  }

  destroy() {
    this.observer.disconnect();
    cancelAnimationFrame(this.frame);
  }

  setCount(count) {
    if (count !== this.count) {
      this.count = count;
      this.space.style.height = `${count * this.height}px`;
      if (this.rowRole === 'row') this.element.setAttribute('aria-rowcount', count);
    }
    this.schedule();
  }

  /** Fills all rows anew in the next frame; `resized` also asks for the height of rows. */
  refresh(resized = false) {
    if (resized) {
      const height = this.rowHeight();
      if (height !== this.height) {
        this.element.scrollTop = (this.element.scrollTop / this.height) * height;
        this.height = height;
        this.space.style.height = `${this.count * height}px`;
        for (const row of this.rows.values()) row._top = undefined;
      }
    }
    this.isStale = true;
    this.schedule();
  }

  schedule() {
    if (this.frame) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      this.draw();
    });
  }

  draw() {
    if (this.room === 0) return;
    const end = this.top + this.room;
    const first = Math.max(0, Math.floor(this.top / this.height / group - 0.5) * group);
    const last = Math.min(this.count, Math.ceil(end / this.height / group + 0.5) * group);
    if (last >= this.count - 200) this.nearEnd();
    // Nothing to do for a scroll within what is there.
    if (!this.isStale && !this.isPartial && first === this.first && last === this.last) return;
    [this.first, this.last] = [first, last];
    for (const [index, row] of this.rows) {
      if (index >= first && index < last) continue;
      // A row that has the focus stays what it is, also where it cannot be seen.
      if (index < this.count && row.contains(document.activeElement)) {
        if (this.isStale) this.fill(index);
        continue;
      }
      this.rows.delete(index);
      this.spare.push(row);
    }
    const [from, to] = [Math.max(0, Math.floor(this.top / this.height)), Math.min(this.count, Math.ceil(end / this.height))];
    this.made = 0;
    this.isPartial = false;
    for (let index = from; index < to; index += 1) this.fill(index);
    // What cannot be seen yet comes after it, over some frames.
    let room = this.isPartial ? 0 : most;
    for (let index = first; index < last; index += 1) {
      if (index >= from && index < to) continue;
      if (this.rows.has(index)) this.fill(index);
      else if (room > 0) {
        room -= 1;
        this.fill(index);
      } else this.isPartial = true;
    }
    this.isStale = false;
    if (this.isPartial) this.schedule();
    else for (const row of this.spare) row.hidden = true;
  }

  /** Puts a row in its place, and fills it where it is new there or all rows are to be filled. */
  fill(index) {
    let row = this.rows.get(index);
    const isNew = !row;
    if (isNew) {
      row = this.spare.pop();
      if (!row) {
        if (this.made === mostMade) {
          this.isPartial = true;
          return;
        }
        this.made += 1;
        row = this.create();
        row.classList.add('virtual-row');
        if (this.rowRole) row.setAttribute('role', this.rowRole);
        this.space.append(row);
      }
      row.hidden = false;
      this.rows.set(index, row);
    }
    if (row._top !== index * this.height) {
      row._top = index * this.height;
      row.style.transform = `translateY(${row._top}px)`;
    }
    if (isNew || this.isStale) {
      if (this.rowRole === 'row') row.setAttribute('aria-rowindex', index + 1);
      this.update(row, index);
    }
  }

  /** Scrolls as far as it takes to show a row. */
  reveal(index) {
    const top = index * this.height;
    const { scrollTop, clientHeight } = this.element;
    if (top < scrollTop) this.element.scrollTop = top;
    else if (top + this.height > scrollTop + clientHeight) this.element.scrollTop = top + this.height - clientHeight;
    this.measure();
    this.draw();
    return this.rows.get(index);
  }
}
