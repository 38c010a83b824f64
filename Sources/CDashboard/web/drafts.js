// Forms that somebody has begun to fill in, kept while other pages are shown; a page that is loaded anew has none.

import { principal } from './api.js';

/** Forms that are kept at once; the oldest ones go first. */
const most = 30;

let reader = '';
const forms = new Map();

/** Forms are of the one who typed them: another reader finds none. */
function own() {
  const now = JSON.stringify([principal.name, principal.role, principal.workflows]);
  if (now !== reader) forms.clear();
  reader = now;
  return forms;
}

/**
 * The form of a name as it was left, or one that `make` makes, which is kept as soon as something is typed. `isKept` says
 * whether it has been typed in before.
 */
export function draft(name, make) {
  const kept = own().get(name);
  if (kept) return { form: kept, isKept: true };
  const form = make();
  const keep = () => {
    own().delete(name);
    forms.set(name, form);
    if (forms.size > most) forms.delete(forms.keys().next().value);
  };
  form.element.addEventListener('input', keep);
  form.element.addEventListener('change', keep);
  return { form, isKept: false };
}

/** Forgets the form of a name: what was typed has been sent, or is not wanted. */
export const forget = (name) => own().delete(name);
