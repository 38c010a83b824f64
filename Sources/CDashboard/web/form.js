// Forms: from what a script asks, or from a JSON Schema, with a box for JSON as the way out.

import { h, put } from './dom.js';
import { faultsOf, missing } from './form-check.js';
import { choice, FieldError, flag, freshID, gathered, scalar, several } from './form-fields.js';
import { objectOf, schemaField } from './form-schema.js';
import { parse, stringify } from './json.js';
import { plainText } from './widgets.js';

/**
 * Whether what a step asked says what the answer is; a form that was made from the schema says less than the schema, which then
 * counts.
 */
export const isAsked = (form, schema) => Boolean(form?.fields?.length) && !(form.generated && schema);

/**
 * A form whose answer is a JSON value. `form` is what a human step asked, `schema` what an answer has to fit; either may be
 * missing. `value()` gives the answer or throws what is wrong; `issues(list)` shows what the server found. Both lead to the first
 * field that is wrong.
 */
export function valueForm({ form, schema, initial, label = 'Value' }) {
  const part = isAsked(form, schema) ? askedForm(form, schema) : schemaField(schema ?? {}, { label, root: schema ?? {}, initial, isTop: true });
  const area = h('textarea', { class: 'code', rows: 10, spellcheck: 'false', id: freshID(), 'aria-label': `${label} as JSON` });
  const trouble = h('div', { class: 'field-error', role: 'alert' });
  const fields = h('div', { class: 'form-fields' }, part.element);
  const box = h('div', { hidden: true }, area);
  let asJSON = false;
  const flip = () => {
    put(trouble);
    if (asJSON) {
      // What was typed as JSON goes back into the fields as far as they can hold it.
      let value;
      try {
        value = parse(area.value || 'null');
      } catch (error) {
        return put(trouble, `This is no JSON: ${error.message}`);
      }
      part.set?.(value);
      const lost = value === null ? null : lostOf(value, part.peek(), []);
      if (lost) return put(trouble, lost.length > 0 ? `No field can hold ${lost.join('.')}, so this stays JSON.` : 'The fields cannot hold this, so it stays JSON.');
    } else area.value = stringify(part.peek(), 2) ?? '';
    asJSON = !asJSON;
    fields.hidden = asJSON;
    box.hidden = !asJSON;
    put(way, asJSON ? 'Use the fields' : 'Write JSON instead');
    if (asJSON) area.focus();
  };
  const way = h('button', { type: 'button', class: 'link', onclick: flip }, 'Write JSON instead');
  const element = h('div', { class: 'form' }, fields, box, trouble, h('div', { class: 'form-way' }, way));
  if (part.isJSON) way.hidden = true;
  /** Says what is wrong at its fields, and below them what has none. */
  const tell = (faults) => {
    const rest = faults.filter(({ steps, message }) => asJSON || !part.issue?.(steps, message));
    put(trouble, rest.map(({ steps, path = steps.join('.'), message }) => h('div', null, path ? `${path}: ` : '', message)));
    lead();
  };
  const lead = () => {
    const field = asJSON ? area : element.querySelector('[aria-invalid="true"]') ?? [...element.querySelectorAll('fieldset > .field-error:not(:empty)')][0]?.parentElement.querySelector('input, select, textarea, button');
    field?.focus();
  };
  return {
    element,
    value() {
      put(trouble);
      let value;
      try {
        value = asJSON ? parse(area.value) : part.value();
      } catch (error) {
        if (asJSON) put(trouble, `This is no JSON: ${error.message}`);
        // Fields say by themselves what they lack and what they cannot read.
        else if (schema !== undefined && error.isTold) tell(faultsOf(schema, schema, part.peek()).filter(({ message, isKind }) => message !== missing && !isKind));
        lead();
        throw asJSON ? new FieldError('The answer is no JSON') : error;
      }
      const faults = value === undefined || schema === undefined ? [] : faultsOf(schema, schema, value);
      if (faults.length === 0) return value;
      tell(faults);
      throw new FieldError('The answer does not fit');
    },
    /** What stands in the form, right or wrong. */
    peek: () => { try { return asJSON ? parse(area.value) : part.peek(); } catch { return undefined; } },
    issues: (list) => tell(list.map(({ pointer, path, message }) => ({ steps: (pointer ?? '').split('/').slice(1).map(unescaped), path, message }))),
  };
}

const unescaped = (part) => part.replaceAll('~1', '/').replaceAll('~0', '~');

/** The way to what a value has and another one of the same kind has not, or has otherwise; null for none. */
function lostOf(value, other, way) {
  if (value === null || typeof value !== 'object') return stringify(value) === stringify(other) ? null : way;
  if (other === null || typeof other !== 'object' || Array.isArray(value) !== Array.isArray(other)) return way;
  for (const name of Object.keys(value)) {
    const lost = Object.hasOwn(other, name) ? lostOf(value[name], other[name], [...way, name]) : [...way, name];
    if (lost) return lost;
  }
  return null;
}

/** The choices of a field that a script asks for: [{ value, label }]. */
export const optionsOf = (field) => (field.options ?? []).map((option) =>
  (option !== null && typeof option === 'object' ? { value: option.value, label: plainText(option.label ?? option.value) } : { value: option, label: plainText(option) }));

/** What the schema of the answer needs has to be filled in, whether or not the form says so. */
function askedForm(form, schema) {
  const needed = new Set(Array.isArray(schema?.required) ? schema.required : []);
  const parts = form.fields.map((field) => ({ field, part: askedField(field, needed.has(String(field.id))) }));
  const all = () => parts.map(({ field, part }) => [String(field.id), part]);
  return {
    element: h('div', { class: 'fields' },
      form.description && h('p', { class: 'muted' }, String(form.description)),
      parts.map(({ part }) => part.element)),
    value: () => objectOf(gathered(all(), ([id, part]) => [id, part.value()])),
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
  const common = { label, help, required: Boolean(field.required) || isNeeded, isFilled: Boolean(field.required), initial: field.default };
  switch (field.type) {
    case 'select': return choice(optionsOf(field), common);
    case 'multiselect': return several(optionsOf(field), common);
    case 'confirm': return flag({ ...common, required: true });
    case 'number': return scalar({ type: 'number' }, common);
    case 'date': return scalar({ type: 'string', format: 'date' }, common);
    case 'textarea': return scalar({ type: 'string' }, { ...common, isLong: true });
    default: return scalar({ type: 'string' }, common);
  }
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
