// Times, durations and numbers as people read them, in the reader's own zone.

const day = new Intl.DateTimeFormat(undefined, { month: 'short', day: 'numeric' });
const dayYear = new Intl.DateTimeFormat(undefined, { year: 'numeric', month: 'short', day: 'numeric' });
const exactly = new Intl.DateTimeFormat(undefined, {
  year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit',
  fractionalSecondDigits: 3, hourCycle: 'h23', timeZoneName: 'short',
});
const number = new Intl.NumberFormat();
const short = new Intl.NumberFormat(undefined, { notation: 'compact' });

let skew = 0;
let told;

/** Resolves once the server has said what time it is. */
export const clockIsKnown = new Promise((resolve) => { told = resolve; });

/** The time of the server in milliseconds since 1970, by whose clock all moments of runs are. */
export const now = () => Date.now() + skew;

/** Takes what the server says the time is, to the second; differences that the way of an answer explains do not count. */
export function setClock(text) {
  const at = Date.parse(text);
  if (Number.isNaN(at)) return;
  const difference = at + 500 - Date.now();
  skew = Math.abs(difference) > 5000 ? difference : 0;
  told();
}

/** Milliseconds since 1970 of an ISO text or a number; NaN for neither. */
export const millis = (time) => (typeof time === 'number' ? time : Date.parse(time));

const two = (value) => String(Math.floor(value)).padStart(2, '0');
const clock = (date) => `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
const isSameDay = (one, other) => one.getDate() === other.getDate() && one.getMonth() === other.getMonth() && one.getFullYear() === other.getFullYear();

/** `12s ago`, `08:31:05`, `Jan 31, 08:31:05`, whichever says most. */
export function moment(time, current = now()) {
  const at = millis(time);
  if (Number.isNaN(at)) return '';
  const date = new Date(at);
  const today = new Date(current);
  if (isSameDay(date, today)) return clock(date);
  const head = date.getFullYear() === today.getFullYear() ? day : dayYear;
  return `${head.format(date)}, ${clock(date)}`;
}

export function ago(time, current = now()) {
  const passed = current - millis(time);
  if (Number.isNaN(passed)) return '';
  if (passed < 0) return `in ${span(-passed)}`;
  if (passed < 2000) return 'just now';
  return `${span(passed)} ago`;
}

/** The exact time, for a title. */
export const exact = (time) => {
  const at = millis(time);
  return Number.isNaN(at) ? '' : exactly.format(new Date(at));
};

/** `3d`, `2h`, `5m`, `12s`: the largest unit alone. */
function span(milliseconds) {
  const seconds = Math.round(milliseconds / 1000);
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)}h`;
  return `${Math.floor(seconds / 86_400)}d`;
}

/** `0 ms`, `350 ms`, `1.25 s`, `3m 05s`, `2h 10m`, `4d 3h`. */
export function duration(milliseconds) {
  if (!Number.isFinite(milliseconds) || milliseconds < 0) return '';
  if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`;
  const seconds = milliseconds / 1000;
  if (seconds < 10) return `${seconds.toFixed(2)} s`;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m ${two(seconds % 60)}s`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)}h ${two((seconds % 3600) / 60)}m`;
  return `${Math.floor(seconds / 86_400)}d ${Math.floor((seconds % 86_400) / 3600)}h`;
}

export const count = (value) => number.format(value);

export const compact = (value) => short.format(value);

export const plural = (value, one, many = `${one}s`) => `${count(value)} ${value === 1 ? one : many}`;

export function bytes(value) {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) { value /= 1000; unit += 1; }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

/**
 * The first part of a made id is its time, which all of one moment share: the end tells runs apart. Quotes show where an id begins
 * or ends with spaces, or is nothing else.
 */
export const shortID = (id) => (/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/.test(id) ? `…${id.slice(-12)}` : id.trim() === id ? id : `“${id}”`);

export const statuses = {
  queued: 'Queued', running: 'Running', waiting: 'Waiting', waiting_human: 'Needs a person', success: 'Succeeded',
  failed: 'Failed', cancelled: 'Cancelled',
};

export const isOver = (status) => status === 'success' || status === 'failed' || status === 'cancelled';
