// JSON whose numbers stay what they are: an integer that no double holds is a BigInt, and minus zero keeps its sign.

const largest = BigInt(Number.MAX_SAFE_INTEGER);

/** A text in which an integer of so many digits stands where a value may; the engine's own reader is for all others. */
const long = /(?:^|[[:,\s])-?\d{16,}\s*(?:[,\]}]|$)/;

export const isNumber = (value) => typeof value === 'number' || typeof value === 'bigint';

/** Whether a value has no fraction, however large it is. */
export const isInteger = (value) => typeof value === 'bigint' || Number.isInteger(value);

/** A number as JSON writes it: doubles beyond all exact integers are told apart from integers, and minus zero from zero. */
export function numberText(value) {
  if (typeof value === 'bigint') return String(value);
  if (Object.is(value, -0)) return '-0.0';
  const text = String(value);
  return Number.isInteger(value) && !Number.isSafeInteger(value) && !text.includes('e') ? `${text}.0` : text;
}

/** The integer of decimal digits, exactly. */
function integerOf(text) {
  const value = BigInt(text);
  return value > largest || value < -largest ? value : Number(text);
}

/** The number that a text is, or NaN. */
export function numberOf(text) {
  const bare = text.trim();
  if (/^[+-]?\d+$/.test(bare)) return integerOf(bare.replace(/^\+/, '')) || 0;
  const number = bare === '' ? NaN : Number(bare);
  return Number.isFinite(number) ? number : NaN;
}

/** The value of a JSON text; throws what `JSON.parse` throws. */
export function parse(text) {
  const value = JSON.parse(text);
  return long.test(text) ? exactly(text) : value;
}

/** Reads a text of which it is known that it is JSON. */
function exactly(text) {
  let at = 0;
  const skip = () => { while (text.charCodeAt(at) <= 32) at += 1; };
  const string = () => {
    let end = at;
    let slashes;
    do {
      end = text.indexOf('"', end + 1);
      slashes = 0;
      while (text[end - 1 - slashes] === '\\') slashes += 1;
    } while (slashes % 2 === 1);
    const literal = text.slice(at, end + 1);
    at = end + 1;
    return literal.includes('\\') ? JSON.parse(literal) : literal.slice(1, -1);
  };
  const list = () => {
    const items = [];
    for (at += 1, skip(); text[at] !== ']'; skip()) {
      if (text[at] === ',') at += 1;
      items.push(value());
    }
    at += 1;
    return items;
  };
  const object = () => {
    const result = {};
    for (at += 1, skip(); text[at] !== '}'; skip()) {
      if (text[at] === ',') { at += 1; skip(); }
      const key = string();
      skip();
      at += 1;
      own(result, key, value());
    }
    at += 1;
    return result;
  };
  const word = /[^\s,\]}]+/y;
  const value = () => {
    skip();
    if (text[at] === '"') return string();
    if (text[at] === '{') return object();
    if (text[at] === '[') return list();
    word.lastIndex = at;
    const [literal] = word.exec(text);
    at += literal.length;
    return /^-?\d{16,}$/.test(literal) ? integerOf(literal) : JSON.parse(literal);
  };
  return value();
}

/** Sets a key of any name as an own key, also `__proto__`. */
export function own(object, key, value) {
  Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
}

/** The JSON text of a value, with lines indented by `indent` spaces; undefined for undefined. */
export const stringify = (value, indent = 0) => written(value, '', ' '.repeat(indent));

function written(value, margin, step) {
  if (typeof value === 'number' && !Number.isFinite(value)) return 'null';
  if (isNumber(value)) return numberText(value);
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  const inner = margin + step;
  const isList = Array.isArray(value);
  const parts = [];
  if (isList) for (const item of value) parts.push(written(item, inner, step) ?? 'null');
  else {
    for (const key of Object.keys(value)) {
      const text = written(value[key], inner, step);
      if (text !== undefined) parts.push(`${JSON.stringify(key)}:${step && ' '}${text}`);
    }
  }
  const [head, tail] = isList ? '[]' : '{}';
  if (parts.length === 0) return head + tail;
  return step ? `${head}\n${inner}${parts.join(`,\n${inner}`)}\n${margin}${tail}` : head + parts.join(',') + tail;
}
