// JSON Schemas as forms look at them.

import { isInteger, isNumber, stringify } from './json.js';

const unescaped = (part) => part.replaceAll('~1', '/').replaceAll('~0', '~');

/** A schema with its reference followed, as an object. */
export function resolved(schema, root, depth = 0) {
  if (schema === true || schema === undefined) return {};
  if (schema === false) return { not: {} };
  if (typeof schema.$ref === 'string' && schema.$ref.startsWith('#') && depth < 16) {
    let target = root;
    for (const part of schema.$ref.slice(1).split('/').slice(1)) target = target?.[decodeURIComponent(unescaped(part))];
    const { $ref, ...rest } = schema;
    return { ...resolved(target ?? {}, root, depth + 1), ...rest };
  }
  return schema;
}

/** The schemas of which one has to fit, or null. */
export const variantsOf = (schema) => {
  const list = schema.anyOf ?? schema.oneOf;
  if (list?.length) return list;
  if (Array.isArray(schema.type) && schema.type.length > 1) return schema.type.map((type) => ({ ...schema, type }));
  return null;
};

export const typeOf = (schema) => (Array.isArray(schema.type) ? schema.type[0] : schema.type ?? (schema.properties ? 'object' : schema.items ? 'array' : undefined));

/** What a schema wants that takes null besides a value without parts; null for any other schema. */
export function beyondNull(schema, root) {
  const variants = variantsOf(schema)?.map((one) => resolved(one, root));
  if (variants?.length !== 2 || schema.enum || schema.const !== undefined) return null;
  const isNull = ({ type, const: only }) => type === 'null' || only === null;
  const value = variants.find((one) => !isNull(one));
  if (!value || !variants.some(isNull) || variantsOf(value) || value.const !== undefined) return null;
  if (!value.enum && !['string', 'number', 'integer', 'boolean'].includes(typeOf(value))) return null;
  const { title = value.title, description = value.description, default: start = value.default } = schema;
  return { ...value, title, description, default: start };
}

const natural = new Intl.Collator(undefined, { numeric: true });

/** The names of an object's fields: what is needed stands first, each part in the order in which people count. */
export function namesOf(schema) {
  const required = new Set(schema.required ?? []);
  return Object.keys(schema.properties ?? {}).sort((one, other) => required.has(other) - required.has(one) || natural.compare(one, other));
}

/** Whether a value is of the kind that a schema is for, by its type and its fixed fields alone. */
export function mayHold(schema, value) {
  if (schema.const !== undefined) return stringify(schema.const) === stringify(value);
  if (schema.type === 'object') {
    return value !== null && typeof value === 'object' && !Array.isArray(value)
      && Object.entries(schema.properties ?? {}).every(([name, inner]) => inner?.const === undefined || inner.const === value[name]);
  }
  if (schema.type === 'array') return Array.isArray(value);
  if (schema.type === 'null') return value === null;
  if (schema.type === 'integer') return isInteger(value);
  if (schema.type === 'number') return isNumber(value);
  return schema.type === undefined || schema.type === typeof value;
}
