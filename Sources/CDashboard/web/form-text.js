// What a form asks for, as text, for those who may look and not answer.

import { h } from './dom.js';
import { isAsked, optionsOf } from './form.js';
import { shownName } from './form-schema.js';
import { stringify } from './json.js';
import { beyondNull, namesOf, resolved, typeOf, variantsOf } from './schema.js';
import { facts, line } from './widgets.js';

const kinds = { string: 'text', number: 'a number', integer: 'a whole number', boolean: 'yes or no', null: 'null', array: 'a list', object: 'an object' };
const formats = { date: 'a date', time: 'a time', 'date-time': 'a date and time', email: 'an email address', uri: 'an address', password: 'a secret' };
const asked = { confirm: 'yes or no', number: 'a number', date: 'a date' };

const listed = (labels) => `${labels.slice(0, 20).map((label) => line(label, 80)).join(', ')}${labels.length > 20 ? ', …' : ''}`;

function kindOf(given, root) {
  const schema = resolved(given, root);
  if (schema.const !== undefined) return stringify(schema.const);
  if (schema.enum) return `one of ${listed(schema.enum.map((value) => (typeof value === 'string' ? value : stringify(value))))}`;
  const value = beyondNull(schema, root);
  if (value) return `${kindOf(value, root)}, or null`;
  const variants = variantsOf(schema);
  if (variants) return [...new Set(variants.slice(0, 5).map((one) => kindOf(one, root)))].join(', or ');
  const type = typeOf(schema);
  if (type === 'object' && schema.properties) return `an object of ${listed(namesOf(schema).map(shownName))}`;
  return formats[schema.format] ?? kinds[type] ?? 'any JSON';
}

const row = (label, kind, isNeeded, help) =>
  [h('span', null, label, !isNeeded && ' (optional)'), h('span', null, kind, help && h('span', { class: 'muted' }, ` · ${help}`))];

/** The fields of `form`, or else of `schema`, and what each of them takes. */
export function formText({ form, schema }) {
  if (isAsked(form, schema)) {
    const needed = new Set(Array.isArray(schema?.required) ? schema.required : []);
    const kind = (field) => (field.type === 'select' ? `one of ${listed(optionsOf(field).map(({ label }) => label))}`
      : field.type === 'multiselect' ? `any of ${listed(optionsOf(field).map(({ label }) => label))}` : asked[field.type] ?? 'text');
    return h('div', { class: 'form' }, form.description && h('p', { class: 'muted' }, String(form.description)),
      facts(form.fields.map((field) => row(String(field.label ?? field.id), kind(field), field.required || field.type === 'confirm' || needed.has(String(field.id)), field.description ?? field.help))));
  }
  const kind = resolved(schema ?? {}, schema);
  if (typeOf(kind) !== 'object' || !kind.properties) return facts([['A value', kindOf(kind, schema)]]);
  const required = new Set(kind.required ?? []);
  return h('div', { class: 'form' }, kind.description && h('p', { class: 'muted' }, kind.description), facts(namesOf(kind).map((name) => {
    const inner = resolved(kind.properties[name], schema);
    return row(inner.title || shownName(name), kindOf(inner, schema), required.has(name), inner.description);
  })));
}
