// What can be done to a run, each after a question: cancel, retry, fork, upgrade, send an event.

import * as api from './api.js';
import { h, icon } from './dom.js';
import { parse, stringify } from './json.js';
import { ask, badge, failure, hasSecret, secretMark, toast } from './widgets.js';

const path = (id, verb) => `/api/runs/${api.segment(id)}/${verb}`;
const runAddress = (id) => `#/runs/${api.segment(id)}`;

export function cancel(id) {
  const reason = h('input', { id: 'cancel-reason', maxlength: '500', autocomplete: 'off' });
  return ask({
    title: 'Cancel this run?', confirm: 'Cancel the run', danger: true,
    body: [h('p', null, 'Steps that run are stopped, and nothing more begins. A cancelled run cannot go on.'),
      h('div', { class: 'field' }, h('label', { for: 'cancel-reason' }, 'Reason ', h('span', { class: 'muted' }, '(optional)')), reason)],
    act: async () => { await api.post(path(id, 'cancel'), reason.value ? { reason: reason.value } : {}); toast('The run was cancelled'); return true; },
  });
}

const newestBox = () => {
  const box = h('input', { type: 'checkbox', id: 'newest' });
  return { box, element: h('label', { class: 'check', for: 'newest' }, box, 'With the newest code, instead of the code of this run') };
};

export async function retry(id, go) {
  const newest = newestBox();
  const run = await ask({
    title: 'Retry this run?', confirm: 'Start the new run',
    body: [h('p', null, 'A new run takes over what succeeded and does again what failed. This run stays as it is.'), newest.element],
    act: () => api.post(path(id, 'retry'), newest.box.checked ? { newest: true } : {}),
  });
  if (run) { toast('A new run began'); go(runAddress(run.runId)); }
}

export async function fork(id, step, go) {
  const newest = newestBox();
  const change = h('input', { type: 'checkbox', id: 'fork-input' });
  const area = h('textarea', { class: 'code', rows: 8, spellcheck: 'false', 'aria-label': 'Input of the step as JSON', value: stringify(step.input ?? null, 2), hidden: true });
  const note = hasSecret(step.input) && h('p', { class: 'help', hidden: true }, `What is secret is not shown: write its value in place of each "${secretMark}".`);
  change.addEventListener('change', () => { area.hidden = !change.checked; if (note) note.hidden = !change.checked; });
  const run = await ask({
    title: 'Fork from this step?', confirm: 'Start the new run',
    body: [h('p', null, 'A new run takes over what was done before ', h('code', null, step.path), ' and goes on from there. This run stays as it is.'),
      h('label', { class: 'check', for: 'fork-input' }, change, 'With another input'), area, note, newest.element],
    act: () => {
      const body = { from: step.path };
      if (newest.box.checked) body.newest = true;
      if (change.checked) {
        try { body.input = parse(area.value); } catch (error) { area.focus(); throw new Error(`The input is no JSON: ${error.message}`); }
        if (hasSecret(body.input)) {
          const at = area.value.indexOf(JSON.stringify(secretMark));
          area.focus();
          if (at >= 0) area.setSelectionRange(at + 1, at + 1 + secretMark.length);
          throw new Error(`Write a value in place of "${secretMark}", or fork with the input as it was.`);
        }
      }
      return api.post(path(id, 'fork'), body);
    },
  });
  if (run) { toast('A new run began'); go(runAddress(run.runId)); }
}

/** What the server says that does not fit, as a sentence: a place and a clause, such as `'pay' the recorded input does not fit …`. */
function misfit(text) {
  const [, place, clause] = /^(the workflow|'[^']*') (the recorded .*)$/s.exec(text) ?? [];
  const words = clause ? `${place === 'the workflow' ? 'The workflow' : `Step ${place}`}: ${clause}` : text.replace(/^'/, "Step '").replace(/^the w/, 'The w');
  return /[.!?]$/.test(words) ? words : `${words}.`;
}

/** First only says what fits; the move is a second step. */
export async function upgrade(id) {
  let trial;
  try {
    trial = await api.post(path(id, 'upgrade'), { dryRun: true });
  } catch (error) {
    await ask({ title: 'This run cannot be moved', body: failure(error) });
    return false;
  }
  const rows = trial.steps.slice(0, 500).map((step) => h('tr', null, h('td', null, h('code', null, step.path)), h('td', null, badge(step.status)),
    h('td', null, h('span', { class: step.fits ? 'fits' : 'fits-not' }, icon(step.fits ? 'success' : 'failed', 14), step.fits ? 'fits' : step.message ?? 'does not fit'))));
  return ask({
    title: trial.fits ? 'Move this run to the newest code?' : 'This run cannot be moved to the newest code', confirm: trial.fits ? 'Move the run' : undefined,
    body: [h('p', null, trial.fits ? 'All that it recorded fits. It goes on with the newest code from where it stands.' : 'Not all that it recorded fits, so it goes on with the code that it has.'),
      !trial.fits && trial.error && h('p', null, misfit(trial.error)),
      rows.length > 0 && h('div', { class: 'scroll-x' }, h('table', null, h('thead', null, h('tr', null, ['Step', 'Status', 'Newest code'].map((name) => h('th', { scope: 'col' }, name)))), h('tbody', null, rows)))],
    act: async () => { await api.post(path(id, 'upgrade'), {}); toast('The run was moved'); return true; },
  });
}

export async function signal(id, event, schema) {
  const { valueForm } = await import('./form.js');
  const form = valueForm({ schema: schema ?? {}, label: 'Data' });
  return ask({
    title: `Send the event ${event}?`, confirm: 'Send the event',
    body: [h('p', null, 'The run goes on with what you send.'), form.element],
    act: async () => {
      const data = form.value();
      try {
        await api.post(path(id, `signals/${api.segment(event)}`), data === undefined ? {} : { data });
      } catch (error) {
        if (Array.isArray(error.details?.issues)) form.issues(error.details.issues);
        throw error;
      }
      toast('The event was sent');
      return true;
    },
  });
}

