// Forms: from what a script asks, or from a JSON Schema, with a box for JSON as the way out.

import { h, plain, put } from './dom.js';
import { button, iconButton } from './widgets.js';

let serial = 0;
const freshID = () => `field-${(serial += 1)}`;

/**
 * A form whose answer is a JSON value. `form` is what a human step asked, `schema` what an answer has to fit; either may be
 * missing. A form that was made from the schema says less than the schema, which then counts. `value()` gives the answer or throws what is wrong; `issues(list)` shows what the server found.
 */
export function valueForm({ form, schema, initial, label = 'Value' }) {
  const part = form?.fields?.length && !(form.generated && schema) ? askedForm(form, schema) : schemaField(schema ?? {}, { label, root: schema ?? {}, initial, isTop: true });
  const area = h('textarea', { class: 'code', rows: 10, spellcheck: 'false', id: freshID(), 'aria-label': `${label} as JSON` });
  const trouble = h('div', { class: 'field-error', role: 'alert' });
  const fields = h('div', { class: 'form-fields' }, part.element);
  const box = h('div', { hidden: true }, area);
  let asJSON = false;
  const flip = () => {
    put(trouble);
    if (asJSON) {
      // What was typed as JSON goes back into the fields as far as they can hold it.
      try {
        part.set?.(JSON.parse(area.value || 'null'));
      } catch (error) {
        return put(trouble, `This is no JSON: ${error.message}`);
      }
    } else area.value = JSON.stringify(part.peek(), null, 2) ?? '';
    asJSON = !asJSON;
    fields.hidden = asJSON;
    box.hidden = !asJSON;
    put(way, asJSON ? 'Use the fields' : 'Write JSON instead');
    if (asJSON) area.focus();
  };
  const way = h('button', { type: 'button', class: 'link', onclick: flip }, 'Write JSON instead');
  const element = h('div', { class: 'form' }, fields, box, trouble, h('div', { class: 'form-way' }, way));
  if (part.isJSON) way.hidden = true;
  return {
    element,
    value() {
      put(trouble);
      if (!asJSON) return part.value();
      try {
        return JSON.parse(area.value);
      } catch (error) {
        put(trouble, `This is no JSON: ${error.message}`);
        throw new Error('The answer is no JSON');
      }
    },
    issues(list) {
      const rest = [];
      for (const issue of list) if (asJSON || !part.issue?.((issue.pointer ?? '').split('/').slice(1).map(unescaped), issue.message)) rest.push(issue);
      put(trouble, rest.map((issue) => h('div', null, issue.path ? `${issue.path}: ` : '', issue.message)));
    },
  };
}

const unescaped = (part) => part.replaceAll('~1', '/').replaceAll('~0', '~');

// MARK: What a script asks

/** What the schema of the answer needs has to be filled in, whether or not the form says so. */
function askedForm(form, schema) {
  const needed = new Set(Array.isArray(schema?.required) ? schema.required : []);
  const parts = form.fields.map((field) => ({ field, part: askedField(field, needed.has(String(field.id))) }));
  const all = () => parts.map(({ field, part }) => [String(field.id), part]);
  return {
    element: h('div', { class: 'fields' },
      form.description && h('p', { class: 'muted' }, String(form.description)),
      parts.map(({ part }) => part.element)),
    value: () => objectOf(all().map(([id, part]) => [id, part.value()])),
    peek: () => objectOf(all().map(([id, part]) => [id, part.peek()])),
    set: (value) => { for (const [id, part] of all()) if (value && Object.hasOwn(value, id)) part.set(value[id]); },
    issue: ([head, ...rest], message) => {
      const found = all().find(([id]) => id === head);
      return found ? found[1].issue(rest, message) : false;
    },
  };
}

function askedField(field, isNeeded) {
  const label = String(field.label ?? field.id);
  const help = field.description ?? field.help;
  const options = (field.options ?? []).map((option) =>
    (option !== null && typeof option === 'object' ? { value: option.value, label: String(option.label ?? option.value) } : { value: option, label: String(option) }));
  const common = { label, help, required: Boolean(field.required) || isNeeded, initial: field.default };
  switch (field.type) {
    case 'select': return choice(options, common);
    case 'multiselect': return several(options, common);
    case 'confirm': return flag({ ...common, required: true });
    case 'number': return scalar({ type: 'number' }, common);
    case 'date': return scalar({ type: 'string', format: 'date' }, common);
    case 'textarea': return scalar({ type: 'string' }, { ...common, isLong: true });
    default: return scalar({ type: 'string' }, common);
  }
}

// MARK: What a schema wants

function resolved(schema, root, depth = 0) {
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

const variantsOf = (schema) => {
  const list = schema.anyOf ?? schema.oneOf;
  if (list?.length) return list;
  if (Array.isArray(schema.type) && schema.type.length > 1) return schema.type.map((type) => ({ ...schema, type }));
  return null;
};

function schemaField(given, options) {
  const schema = resolved(given, options.root);
  const label = schema.title ?? options.label;
  const common = { ...options, label, help: schema.description, initial: options.initial ?? schema.default };
  if (options.level > 8) return jsonField(common);
  if (schema.const !== undefined) return fixed(schema.const, common);
  if (schema.enum) return choice(schema.enum.map((value) => ({ value, label: typeof value === 'string' ? value : JSON.stringify(value) })), common);
  const variants = variantsOf(schema);
  if (variants?.length === 1) return schemaField(variants[0], options);
  if (variants) return union(variants, common);
  const type = Array.isArray(schema.type) ? schema.type[0] : schema.type ?? (schema.properties ? 'object' : schema.items ? 'array' : undefined);
  switch (type) {
    case 'object': return schema.properties && Object.keys(schema.properties).length > 0 ? object(schema, common) : jsonField({ ...common, initial: common.initial ?? {} });
    case 'array': return schema.items && schema.items !== true ? array(schema, common) : jsonField({ ...common, initial: common.initial ?? [] });
    case 'boolean': return flag(common);
    case 'null': return fixed(null, common);
    case 'string': case 'number': case 'integer': return scalar(schema, common);
    default: return jsonField(common);
  }
}

function object(schema, { label, help, root, initial, isTop, isInline, level = 0, told }) {
  const required = new Set(schema.required ?? []);
  const entries = Object.entries(schema.properties).map(([name, inner]) => {
    const value = initial && Object.hasOwn(initial, name) ? initial[name] : undefined;
    const make = (start) => schemaField(inner, { label: name, root, initial: start, required: required.has(name), level: level + 1 });
    const kind = resolved(inner, root);
    const isSimple = kind.properties === undefined && !variantsOf(kind) && kind.type !== 'array';
    // A scalar that may be missing is missing while it is empty; what has parts is added by hand.
    if (name === told && kind.const !== undefined) return [name, { ...fixed(kind.const, { label: name }), element: null }];
    return [name, required.has(name) || isSimple ? make(value) : optional(name, kind.description, make, value)];
  });
  // Lua tables have no order: what is needed stands first.
  entries.sort(([one], [other]) => required.has(other) - required.has(one));
  const element = isTop || isInline
    ? h('div', { class: 'fields' }, help && h('p', { class: 'muted' }, help), entries.map(([, part]) => part.element))
    : h('fieldset', { class: 'fields' }, h('legend', null, label), help && h('p', { class: 'muted small' }, help), entries.map(([, part]) => part.element));
  return {
    element,
    value: () => objectOf(entries.map(([name, part]) => [name, part.value()])),
    peek: () => objectOf(entries.map(([name, part]) => [name, part.peek()])),
    set: (value) => { for (const [name, part] of entries) part.set(value && Object.hasOwn(value, name) ? value[name] : undefined); },
    issue: ([head, ...rest], message) => {
      const found = entries.find(([name]) => name === head);
      return found ? found[1].issue(rest, message) : false;
    },
  };
}

/** An object of entries; a key of any name is an own key, and what is undefined is left out. */
function objectOf(entries) {
  const result = {};
  for (const [name, value] of entries) {
    if (value !== undefined) Object.defineProperty(result, name, { value, enumerable: true, configurable: true, writable: true });
  }
  return result;
}

function optional(label, help, make, initial) {
  let part = null;
  const body = h('div');
  const id = freshID();
  const box = h('input', { type: 'checkbox', id, onchange: () => turn(box.checked) });
  const turn = (on, value) => {
    box.checked = on;
    part = on ? make(value) : null;
    put(body, part?.element);
  };
  if (initial !== undefined) turn(true, initial);
  return {
    element: h('div', { class: 'optional' }, h('label', { class: 'check', for: id }, box, h('span', null, label, h('span', { class: 'muted' }, ' (optional)'))),
      help && !part && h('p', { class: 'help' }, help), body),
    value: () => part?.value(),
    peek: () => part?.peek(),
    set: (value) => turn(value !== undefined, value),
    issue: (path, message) => (part ? part.issue(path, message) : false),
  };
}

function union(variants, { label, help, root, initial, level = 0, required }) {
  const tagOf = (schema) => Object.entries(resolved(schema, root).properties ?? {}).find(([, inner]) => inner?.const !== undefined);
  // Where one field tells all variants apart, choosing its value chooses the variant.
  const tags = variants.map(tagOf);
  const told = tags.every((tag) => tag && tag[0] === tags[0][0]) ? tags[0][0] : undefined;
  const nameOf = (schema, index) => {
    const kind = resolved(schema, root);
    const tag = tags[index];
    if (told && !kind.title) return typeof tag[1].const === 'string' ? tag[1].const : JSON.stringify(tag[1].const);
    return kind.title ?? (tag ? `${tag[0]}: ${tag[1].const}` : kind.const !== undefined ? JSON.stringify(kind.const) : kind.type ? String(kind.type) : `Kind ${index + 1}`);
  };
  const id = freshID();
  const body = h('div', { class: 'variant' });
  const select = h('select', { id, onchange: () => turn(Number(select.value)) }, variants.map((schema, index) => h('option', { value: String(index) }, nameOf(schema, index))));
  let part;
  const turn = (index, value) => {
    select.value = String(index);
    part = schemaField(variants[index], { label: nameOf(variants[index], index), root, initial: value, required: true, isInline: true, told, level: level + 1 });
    put(body, part.element);
  };
  const fitting = (value) => {
    const index = variants.findIndex((schema) => mayHold(resolved(schema, root), value));
    return index < 0 ? 0 : index;
  };
  turn(initial === undefined ? 0 : fitting(initial), initial);
  return {
    element: h('fieldset', { class: 'fields union' }, h('legend', null, label, !required && required !== undefined && h('span', { class: 'muted' }, ' (optional)')), help && h('p', { class: 'help' }, help),
      h('div', { class: 'field' }, h('label', { for: id }, told ?? 'Kind'), select), body),
    value: () => part.value(),
    peek: () => part.peek(),
    set: (value) => turn(value === undefined ? 0 : fitting(value), value),
    issue: (path, message) => part.issue(path, message),
  };
}

function mayHold(schema, value) {
  if (schema.const !== undefined) return schema.const === value;
  if (schema.type === 'object') {
    return value !== null && typeof value === 'object' && !Array.isArray(value)
      && Object.entries(schema.properties ?? {}).every(([name, inner]) => inner?.const === undefined || inner.const === value[name]);
  }
  if (schema.type === 'array') return Array.isArray(value);
  if (schema.type === 'null') return value === null;
  if (schema.type === 'integer') return Number.isInteger(value);
  return schema.type === undefined || schema.type === typeof value;
}

function array(schema, { label, help, root, initial, level = 0 }) {
  const parts = [];
  const list = h('div', { class: 'items' });
  const add = (value) => {
    const part = schemaField(schema.items, { label: `${label} ${parts.length + 1}`, root, initial: value, required: true, level: level + 1 });
    const row = h('div', { class: 'item' }, part.element, iconButton('Remove', 'close', {
      class: 'item-remove', 'aria-label': plain(`Remove ${label} ${parts.length + 1}`), onclick: () => { parts.splice(parts.indexOf(entry), 1); row.remove(); },
    }));
    const entry = { part, row };
    parts.push(entry);
    list.append(row);
    return part;
  };
  for (const value of Array.isArray(initial) ? initial : []) add(value);
  for (let index = parts.length; index < Math.min(schema.minItems ?? 0, 10); index += 1) add();
  return {
    element: h('fieldset', { class: 'fields' }, h('legend', null, label), help && h('p', { class: 'help' }, help), list,
      button(`Add to ${label}`, { class: 'small add', onclick: () => add().element.querySelector('input, select, textarea')?.focus() }, 'plus')),
    value: () => parts.map(({ part }) => part.value()),
    peek: () => parts.map(({ part }) => part.peek()),
    set: (value) => { parts.length = 0; put(list); for (const item of Array.isArray(value) ? value : []) add(item); },
    issue: ([head, ...rest], message) => parts[Number(head)]?.part.issue(rest, message) ?? false,
  };
}

// MARK: Single values

function field({ label, help, required }, id, input, kind = 'field') {
  const error = h('p', { class: 'field-error', id: `${id}-error`, role: 'alert' });
  const note = help && h('p', { class: 'help', id: `${id}-help` }, String(help));
  if (note) input.setAttribute('aria-describedby', `${id}-help`);
  const element = h('div', { class: kind }, h('label', { for: id }, label, required === false && h('span', { class: 'muted' }, ' (optional)')), input, note, error);
  const fail = (message) => {
    put(error, message ?? '');
    if (message) { input.setAttribute('aria-invalid', 'true'); input.setAttribute('aria-errormessage', `${id}-error`); } else input.removeAttribute('aria-invalid');
  };
  return { element, fail };
}

/** What is wrong with a field, which says so itself. */
class FieldError extends Error {
  isTold = true;
}

function scalar(schema, options) {
  const { required, initial, isLong } = options;
  const id = freshID();
  const isNumber = schema.type === 'number' || schema.type === 'integer';
  const types = { date: 'date', email: 'email', uri: 'url', time: 'text', 'date-time': 'text' };
  const input = isLong ? h('textarea', { id, rows: 4 }) : h('input', {
    id, type: isNumber ? 'text' : types[schema.format] ?? 'text', inputmode: isNumber ? (schema.type === 'integer' ? 'numeric' : 'decimal') : undefined, autocomplete: types[schema.format] === 'date' ? undefined : 'off',
    placeholder: schema.format === 'date-time' ? '2030-01-31T08:00:00Z' : schema.examples?.[0] ?? undefined,
    'aria-required': required === true && isNumber ? 'true' : undefined,
  });
  if (initial !== undefined && initial !== null) input.value = String(initial);
  const hints = [];
  if (schema.minimum !== undefined) hints.push(`at least ${schema.minimum}`);
  if (schema.maximum !== undefined) hints.push(`at most ${schema.maximum}`);
  if (schema.minLength > 1) hints.push(`at least ${schema.minLength} characters`);
  if (schema.pattern) hints.push(`like ${schema.pattern}`);
  const { element, fail } = field({ ...options, help: [options.help, hints.join(', ')].filter(Boolean).join(' · ') }, id, input);
  input.addEventListener('input', () => fail());
  const read = () => {
    const text = input.value;
    if (!isNumber) return text === '' && required !== true ? undefined : text;
    if (text.trim() === '') return undefined;
    const number = Number(text);
    return Number.isFinite(number) ? number : NaN;
  };
  return {
    element,
    value() {
      const value = read();
      if (Number.isNaN(value) || (schema.type === 'integer' && value !== undefined && !Number.isInteger(value))) {
        fail(schema.type === 'integer' ? 'A whole number, please' : 'A number, please');
        input.focus();
        throw new FieldError(`${options.label}: this is no ${schema.type}`);
      }
      if (value === undefined && required === true) {
        fail('This is needed');
        input.focus();
        throw new FieldError(`${options.label} is needed`);
      }
      return value;
    },
    peek: () => { const value = read(); return Number.isNaN(value) ? input.value : value; },
    set: (value) => { input.value = value === undefined || value === null ? '' : String(value); },
    issue: (path, message) => { fail(message); return true; },
  };
}

function flag(options) {
  const id = freshID();
  const { initial, required } = options;
  const select = h('select', { id }, h('option', { value: '' }, required === true ? 'Choose…' : 'Not given'), h('option', { value: 'true' }, 'Yes'), h('option', { value: 'false' }, 'No'));
  if (typeof initial === 'boolean') select.value = String(initial);
  const { element, fail } = field(options, id, select);
  select.addEventListener('change', () => fail());
  const read = () => (select.value === '' ? undefined : select.value === 'true');
  return {
    element,
    value() {
      if (read() === undefined && required === true) {
        fail('Yes or no, please');
        select.focus();
        throw new FieldError(`${options.label} is needed`);
      }
      return read();
    },
    peek: read,
    set: (value) => { select.value = typeof value === 'boolean' ? String(value) : ''; },
    issue: (path, message) => { fail(message); return true; },
  };
}

function choice(items, options) {
  const id = freshID();
  const { initial, required } = options;
  const select = h('select', { id }, h('option', { value: '' }, required === true ? 'Choose…' : 'Not given'), items.map((item, index) => h('option', { value: String(index) }, item.label)));
  const set = (value) => {
    const index = items.findIndex((item) => JSON.stringify(item.value) === JSON.stringify(value));
    select.value = value === undefined || index < 0 ? '' : String(index);
  };
  set(initial);
  const { element, fail } = field(options, id, select);
  select.addEventListener('change', () => fail());
  const read = () => (select.value === '' ? undefined : items[Number(select.value)].value);
  return {
    element,
    value() {
      if (select.value === '' && required === true) {
        fail('Choose one, please');
        select.focus();
        throw new FieldError(`${options.label} is needed`);
      }
      return read();
    },
    peek: read, set,
    issue: (path, message) => { fail(message); return true; },
  };
}

function several(items, { label, help, initial }) {
  const boxes = items.map((item) => {
    const id = freshID();
    return { item, id, box: h('input', { type: 'checkbox', id }) };
  });
  const set = (value) => {
    for (const { item, box } of boxes) box.checked = Array.isArray(value) && value.some((one) => JSON.stringify(one) === JSON.stringify(item.value));
  };
  set(initial);
  const error = h('p', { class: 'field-error', role: 'alert' });
  const read = () => boxes.filter(({ box }) => box.checked).map(({ item }) => item.value);
  return {
    element: h('fieldset', { class: 'fields' }, h('legend', null, label), help && h('p', { class: 'help' }, String(help)),
      boxes.map(({ item, id, box }) => h('label', { class: 'check', for: id }, box, item.label)), error),
    value: read, peek: read, set,
    issue: (path, message) => { put(error, message); return true; },
  };
}

function fixed(value, { label }) {
  return {
    element: h('div', { class: 'field' }, h('span', { class: 'label' }, label), h('code', null, JSON.stringify(value))),
    value: () => value, peek: () => value, set: () => {}, issue: () => false,
  };
}

function jsonField(options) {
  const id = freshID();
  const area = h('textarea', { id, class: 'code', rows: options.isTop ? 8 : 4, spellcheck: 'false', placeholder: 'JSON' });
  if (options.initial !== undefined) area.value = JSON.stringify(options.initial, null, 2);
  else if (options.isTop) area.value = '{}';
  const { element, fail } = field({ ...options, label: options.isTop ? `${options.label} (JSON)` : options.label }, id, area);
  area.addEventListener('input', () => fail());
  const read = () => (area.value.trim() === '' ? undefined : JSON.parse(area.value));
  return {
    element, isJSON: options.isTop,
    value() {
      try {
        return read();
      } catch (error) {
        fail(`This is no JSON: ${error.message}`);
        area.focus();
        throw new FieldError('This is no JSON');
      }
    },
    peek: () => { try { return read(); } catch { return area.value; } },
    set: (value) => { area.value = value === undefined ? '' : JSON.stringify(value, null, 2); },
    issue: (path, message) => { fail(message); return true; },
  };
}

/** Sends what a form gives; what the server finds wrong shows at its fields. */
export async function submit(form, send) {
  const value = form.value();
  try {
    return await send(value);
  } catch (error) {
    const issues = error.details?.issues;
    if (Array.isArray(issues)) form.issues(issues);
    throw error;
  }
}

