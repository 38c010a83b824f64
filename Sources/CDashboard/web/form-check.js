// What a JSON Schema finds wrong with a value, as far as that can be said without asking the server: never more than the server finds.

import { isInteger, isNumber, stringify } from './json.js';
import { mayHold, resolved, variantsOf } from './schema.js';
import { plainText } from './widgets.js';

const isObject = (value) => value !== null && typeof value === 'object' && !Array.isArray(value);
/** The server takes an empty list for an empty object, and the other way around. */
const isEmpty = (value) => (Array.isArray(value) ? value.length === 0 : isObject(value) && Object.keys(value).length === 0);

const kinds = {
  object: ['an object', (value) => isObject(value) || isEmpty(value)], array: ['a list', (value) => Array.isArray(value) || isEmpty(value)],
  string: ['a text', (value) => typeof value === 'string'], number: ['a number', isNumber], integer: ['a whole number', isInteger],
  boolean: ['yes or no', (value) => typeof value === 'boolean'], null: ['null', (value) => value === null],
};

const many = (number, one, more = `${one}s`) => `${plainText(number)} ${number == 1 ? one : more}`;
const isText = (value) => typeof value === 'string';
const length = (text) => [...text].length;

/** The limits that a schema can set: the keyword, how it is said, what it is about, and whether a value keeps it. */
const limits = [
  ['minimum', (limit) => `at least ${plainText(limit)}`, isNumber, (value, limit) => value >= limit],
  ['exclusiveMinimum', (limit) => `more than ${plainText(limit)}`, isNumber, (value, limit) => value > limit],
  ['maximum', (limit) => `at most ${plainText(limit)}`, isNumber, (value, limit) => value <= limit],
  ['exclusiveMaximum', (limit) => `less than ${plainText(limit)}`, isNumber, (value, limit) => value < limit],
  ['minLength', (limit) => `at least ${many(limit, 'character')}`, isText, (value, limit) => length(value) >= limit],
  ['maxLength', (limit) => `at most ${many(limit, 'character')}`, isText, (value, limit) => length(value) <= limit],
  ['minItems', (limit) => `at least ${many(limit, 'entry', 'entries')}`, Array.isArray, (value, limit) => value.length >= limit],
  ['maxItems', (limit) => `at most ${many(limit, 'entry', 'entries')}`, Array.isArray, (value, limit) => value.length <= limit],
];
const counts = new Set(['minLength', 'maxLength', 'minItems', 'maxItems']);

const formats = { time: 'like 08:30:00Z', 'date-time': 'like 2030-01-31T08:00:00Z', duration: 'like PT15M', uuid: 'a UUID', ipv4: 'like 192.0.2.1', hostname: 'the name of a host' };

/** What a schema says of the values of a field, in one line. */
export function hintsOf(schema) {
  const told = limits.filter(([name]) => isNumber(schema[name]) && !(counts.has(name) && name.startsWith('min') && schema[name] < 2)).map(([name, words]) => words(schema[name]));
  return [...told, schema.pattern && `like ${schema.pattern}`, schema.uniqueItems === true && 'none twice', formats[schema.format]].filter(Boolean).join(', ');
}

function patternOf(text) {
  try { return new RegExp(text, 'u'); } catch { return null; }
}

const isSame = (one, other) => (isNumber(one) && isNumber(other) ? one == other : stringify(one) === stringify(other)) || (isEmpty(one) && isEmpty(other));

/** What is said of a field that lacks its value. */
export const missing = 'This is needed';

/** What is wrong with a value: [{ steps, message, isKind }], where `steps` lead to the part of it that has to change; `isKind` where it is of another type. */
export function faultsOf(given, root, value, steps = []) {
  const schema = resolved(given, root);
  const own = schema['x-aikit'] ?? {};
  // The server makes something else of the value before it looks at it.
  if (steps.length > 64 || own.coerce || own.trim || own.lower || own.upper) return [];
  const fault = (message) => [{ steps, message }];
  if (schema.const !== undefined) return isSame(schema.const, value) ? [] : fault(`It has to be ${stringify(schema.const)}`);
  if (schema.enum) return schema.enum.some((one) => isSame(one, value)) ? [] : fault('It has to be one of those that are given');
  if (schema.anyOf ?? schema.oneOf) return variantFaults(variantsOf(schema), root, value, steps);
  const types = schema.type === undefined ? [] : [schema.type].flat();
  if (types.length > 0 && !types.some((type) => !kinds[type] || kinds[type][1](value))) return [{ steps, message: `It has to be ${types.map((type) => kinds[type][0]).join(' or ')}`, isKind: true }];
  const faults = limits.filter(([name, , isOf, keeps]) => isNumber(schema[name]) && isOf(value) && !keeps(value, schema[name]))
    .flatMap(([name, words]) => fault(`It has to ${counts.has(name) ? 'have' : 'be'} ${words(schema[name])}`));
  if (isText(value) && typeof schema.pattern === 'string' && patternOf(schema.pattern)?.test(value) === false) faults.push(...fault(`It has to be like ${schema.pattern}`));
  if (Array.isArray(value)) faults.push(...listFaults(schema, root, value, steps));
  else if (isObject(value)) faults.push(...objectFaults(schema, root, value, steps));
  return faults;
}

/** Of many kinds the one is told of that was meant: whose fixed fields fit. */
function variantFaults(variants, root, value, steps) {
  const found = variants.map((one) => faultsOf(one, root, value, steps));
  if (found.some((list) => list.length === 0)) return [];
  const meant = variants.findIndex((one) => mayHold(resolved(one, root), value));
  return meant < 0 ? [{ steps, message: 'It fits none of the kinds that are taken' }] : found[meant];
}

function objectFaults(schema, root, value, steps) {
  const { required = [], properties = {} } = schema;
  const has = (name) => Object.hasOwn(properties, name);
  const absent = required.filter((name) => !Object.hasOwn(value, name) && !(has(name) && resolved(properties[name], root).default !== undefined));
  return [...absent.map((name) => ({ steps: [...steps, name], message: missing })),
    ...Object.keys(value).filter(has).flatMap((name) => faultsOf(properties[name], root, value[name], [...steps, name]))];
}

/** What is wrong with the entries of a list: as many as somebody can look at. */
function listFaults(schema, root, value, steps) {
  const faults = [];
  const isSchema = isObject(schema.items) && !schema.prefixItems;
  for (let index = 0; isSchema && index < value.length && faults.length < 50; index += 1) faults.push(...faultsOf(schema.items, root, value[index], [...steps, String(index)]));
  if (schema.uniqueItems === true) {
    const known = new Set();
    value.forEach((item, index) => {
      const text = stringify(item);
      if (known.has(text)) faults.push({ steps: [...steps, String(index)], message: 'This is there twice' });
      known.add(text);
    });
  }
  return faults;
}
