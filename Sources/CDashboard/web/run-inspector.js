// What a run and its steps are, got, gave and failed with, beside its views.

import * as api from './api.js';
import { bubble, conversation, messagesOf, money, transcript } from './conversation.js';
import { h, icon, put } from './dom.js';
import { count, duration, isOver, shortID } from './format.js';
import { stringify } from './json.js';
import { fork, signal as sendEvent } from './run-actions.js';
import { stepKey } from './run-model.js';
import { badge, button, copy, facts, iconButton, line, queueReason, sourceLines, tagChip, time, toast, valueBox } from './widgets.js';

/**
 * Details of a run, or of the step that is chosen. `run` is what the page knows: `id`, `model`, `header`, `chosen`, `wanted` (the
 * step of the address, until it is found), `waits`, `offspring`, `isBrief`, `isLoaded`, `status()` and `choose(step)`.
 */
export function inspector(run, context) {
  const { id, model } = run;
  const element = h('aside', { class: 'inspector', 'aria-label': 'Details', tabindex: '-1' });
  let drawn = '';
  const draw = (force = false) => {
    const { chosen, header, waits, offspring } = run;
    const key = chosen
      ? `${stepKey(chosen)} ${chosen.status} ${chosen.attempts} ${chosen.to === undefined ? chosen.said?.length ?? '' : ''}`
      : `run ${run.isLoaded ? run.wanted ?? '' : 'reading'} ${run.status()} ${model.hasOutput} ${model.error !== undefined} ${model.metadata !== undefined} ${model.startedAt} ${header?.generation} ${model.waiting.length} ${model.expecting.length} ${waits !== null} ${stringify(header?.queue ?? null)} ${stringify(header?.tags ?? null)} ${model.steps.length > 0} ${offspring.shown}`;
    if (!force && key === drawn) return;
    drawn = key;
    put(element, chosen ? stepDetails(chosen) : runDetails());
  };
  const runDetails = () => {
    const { header, offspring } = run;
    if (!run.isLoaded) return [h('h2', null, 'Run'), h('p', { class: 'muted' }, 'Loading…')];
    return [
      h('h2', null, 'Run'),
      run.wanted && missing(run.wanted),
      run.status() === 'queued' && h('div', { class: 'notice is-queued' }, icon('queued'), h('div', null, h('strong', null, 'Not begun yet'), `: ${queueReason(header?.queue) || 'it waits in the queue'}`)),
      manyOf(model.waiting, waitsFor),
      manyOf(model.expecting, (step) => eventOf(step) && expects(step)),
      model.error !== undefined && model.status === 'failed' && errorBox(model.error, model.culprit),
      model.error !== undefined && model.status === 'cancelled' && h('div', { class: 'notice' }, icon('cancelled'), h('div', null, `Cancelled: ${model.error?.reason ?? model.error?.message ?? ''}`, facts(undone(model.error)))),
      model.hasOutput && messagesOf(model.output) && h('section', { class: 'value' }, h('div', { class: 'value-head' }, h('h3', null, 'Conversation')), transcript(messagesOf(model.output))),
      model.hasOutput && valueBox('Output', model.output, { open: messagesOf(model.output) ? 1 : 2 }),
      model.input !== undefined && valueBox('Input', model.input),
      model.metadata !== undefined && Object.keys(model.metadata ?? {}).length > 0 && valueBox('Metadata', model.metadata, { open: 1 }),
      h('h3', null, 'About'),
      facts([
        ['Run', h('code', { class: 'break' }, id)], ['Workflow', header && h('a', { href: `#/workflows/${api.segment(header.workflowId)}` }, header.workflowId)],
        ['Came from', header?.lineage && h('a', { href: `#/runs/${api.segment(header.lineage)}`, class: 'break', title: header.lineage }, shortID(header.lineage))],
        ['Led to', offspring.runs.length > 0 && h('ul', { class: 'lineage' }, offspring.runs.map((one) => h('li', null, badge(one.status, { mark: true }),
          h('a', { href: `#/runs/${api.segment(one.runId)}`, class: 'break', title: one.runId }, shortID(one.runId)), one.workflowId !== header.workflowId && h('span', { class: 'muted' }, one.workflowId))),
        offspring.next && h('li', null, h('a', { href: `#/runs${api.query({ lineage: id })}` }, 'All of them')))],
        ['Code', header?.generation && h('code', { title: header.generation }, header.generation.slice(0, 12))],
        ['Tags', header?.tags && Object.keys(header.tags).length > 0 && h('span', { class: 'tags' }, Object.entries(header.tags).map(([key, value]) => tagChip(key, value)))],
        ['Driven by', header?.owner], ['Wakes', header?.wakeAt && time(header.wakeAt)],
      ]),
      model.steps.length > 0 && h('p', { class: 'muted small' }, 'Choose a step to see what it got and gave.'),
    ];
  };
  /** Says that the run has no step of the name that the address gives. */
  const missing = (name) => h('div', { class: 'notice', role: 'status' }, icon('search'), h('div', null, 'This run has no step ', h('code', { class: 'break' }, name), isOver(run.status()) ? '' : ' yet'));
  const waitsFor = (step) => h('div', { class: 'notice is-person' }, icon('waiting_human'), h('div', null, h('strong', null, step.asked?.form?.title ? String(step.asked.form.title) : step.id), ' waits for a person'),
    h('a', { class: 'button primary small', href: `#/inbox/${api.segment(id)}/${api.segment(step.path)}` }, api.principal.role === 'read' ? 'Show' : 'Answer'));
  // A body of many items may wait in each of them: the first ones say enough.
  const manyOf = (steps, show) => [steps.slice(0, 5).map(show), steps.length > 5 && h('p', { class: 'muted small' }, `and ${count(steps.length - 5)} more`)];
  const eventOf = (step) => step.status === 'waiting' && (step.waitsFor ??= run.waits?.find((wait) => wait.kind === 'event' && wait.stepId === step.id));
  const expects = (step) => {
    const { event, schema } = eventOf(step);
    return h('div', { class: 'notice is-waiting' }, icon('waiting'), h('div', null, h('strong', null, step.id), ' waits for the event ', h('code', { class: 'break' }, event)),
      button('Send', { class: 'primary small', 'data-needs': 'run', 'aria-label': `Send ${event}`, onclick: () => sendEvent(id, event, schema) }));
  };
  // A long run comes without what its steps got and gave, which is asked for step by step.
  const fetchValues = async (step) => {
    if (!run.isBrief || step.hasValues || step.isAsked) return;
    step.isAsked = true;
    try {
      const { events } = await api.json(`/api/runs/${api.segment(id)}/events${api.query({ path: step.path })}`, { signal: context.signal });
      model.fill(step, events);
      if (run.chosen === step) draw(true);
    } catch (error) {
      if (!context.signal.aborted) toast(error.message, { kind: 'error' });
    }
    step.isAsked = false;
  };
  const stepDetails = (step) => {
    fetchValues(step);
    const over = step.to !== undefined;
    const event = eventOf(step);
    const talk = conversation(step);
    return [
      h('div', { class: 'detail-head' }, h('div', null, h('h2', null, step.id), h('div', { class: 'path' }, h('code', { class: 'break' }, step.path), iconButton('Copy the path', 'copy', { onclick: () => copy(step.path) }))),
        iconButton('Close the step', 'close', { onclick: () => run.choose(null) })),
      facts([
        ['Status', badge(step.status)], ['Began', time(step.from)], ['Took', over ? duration(step.to - step.from) : 'not over'],
        ['Attempts', step.attempts > 1 ? count(step.attempts) : null], ['Model', step.usage?.model],
        ['Tokens', step.usage && `${count(step.usage.input)} in, ${count(step.usage.output)} out`], ['Cost', step.usage?.cost > 0 && money(step.usage.cost)], ['Start', step.occurrence > 1 ? `${count(step.occurrence)} of this step` : null],
        ['Chose', step.branch !== undefined && String(step.branch)], ['Answered by', step.answeredBy],
      ]),
      step.status === 'waiting_human' && waitsFor(step),
      !over && step.said && h('section', { class: 'value' }, h('div', { class: 'value-head' }, h('h3', null, 'The answer so far')), bubble('assistant', step.said)),
      event && expects(step),
      step.error !== undefined && errorBox(step.error, step),
      step.compensation && h('div', { class: 'notice' }, icon(step.compensation.status === 'failed' ? 'failed' : 'cancelled'), h('div', null, undoing(step.compensation))),
      step.tries.length > 0 && h('section', { class: 'value' }, h('div', { class: 'value-head' }, h('h3', null, 'Failed attempts')),
        h('ol', { class: 'tries' }, step.tries.map((attempt) => h('li', null, h('span', { class: 'tries-what' }, attempt.error?.message ?? 'failed'), ' ', time(attempt.at))))),
      talk && h('section', { class: 'value' }, h('div', { class: 'value-head' }, h('h3', null, 'Conversation')), talk),
      step.hasOutput && valueBox('Output', step.output, { open: talk ? 0 : 2 }),
      step.response !== undefined && valueBox('Answer', step.response),
      step.asked?.output !== undefined && valueBox('Shown', step.asked.output),
      step.isAsked && !step.hasValues ? h('p', { class: 'muted small' }, 'Loading what it got and gave…') : valueBox('Input', step.input, { open: talk ? 0 : 2 }),
      step.start === 1 ? h('div', { class: 'actions' }, button('Fork from here', { 'data-needs': 'run', onclick: () => fork(id, step, context.go) })) : forkOf(step),
    ];
  };
  /** A fork begins where a path began first: a later start of it has none of its own. */
  const forkOf = (step) => {
    const first = model.byKey.get(step.path);
    return h('p', { class: 'muted small', 'data-needs': 'run' }, 'A fork goes back to the first start of a step. ',
      first && h('a', { href: `#/runs/${api.segment(id)}?step=${api.segment(stepKey(first))}`, onclick: (event) => { event.preventDefault(); run.choose(first); } }, 'Show the first start'));
  };

  const undoing = ({ status, error }) => ({
    running: 'Is being undone', waiting: `Is being undone; an attempt failed: ${error?.message ?? ''}`, success: 'Undone',
    failed: `Not undone: ${error?.message ?? ''}`,
  })[status];

  // What a run that did not succeed undid, as facts.
  const undone = (error) => {
    const { undone: paths = [], failed = [] } = error?.compensation ?? {};
    return [
      ['Undone', paths.length > 0 && paths.join(', ')],
      ['Not undone', failed.length > 0 && failed.map(({ path, error: why }) => `${path}: ${why?.message ?? 'failed'}`).join('; ')],
    ];
  };

  // Step and place stand below the words, which need not say them again.
  const bare = (error) => {
    let text = typeof error?.message === 'string' ? error.message : error?.message ?? error;
    if (typeof text !== 'string') return text;
    for (const head of [run.chosen?.path ?? model.culprit?.path, error.where]) {
      if (head && text.startsWith(`${head}: `) && text.length > head.length + 2) text = text.slice(head.length + 2);
    }
    return text;
  };
  // An error with the line of the script that raised it, from the code that the run goes by.
  let source;
  const errorBox = (error, step) => {
    const code = h('div');
    const match = /^(.*):(\d+)$/.exec(error?.where ?? '');
    if (match) {
      source ??= api.json(`/api/runs/${api.segment(id)}/source`, { signal: context.signal });
      source.then(({ files }) => {
        const file = files.find((one) => one.name === match[1]) ?? files.find((one) => one.name.endsWith(`/${match[1]}`) || match[1].endsWith(`/${one.name}`));
        if (file) put(code, h('div', { class: 'where' }, `${file.name}:${match[2]}`), sourceLines(file, Number(match[2])));
      }, () => {});
    }
    return h('section', { class: 'error-box', 'aria-label': 'Error' },
      h('div', { class: 'error-head' }, icon('failed'), h('strong', null, line(bare(error), 4000)), iconButton('Copy the error', 'copy', { onclick: () => copy(error) })),
      facts([['Code', error?.code && error.code !== 'error' && error.code !== 'failed' && h('code', null, String(error.code))], ['Step', step && step !== run.chosen && h('a', { href: `#/runs/${api.segment(id)}?step=${api.segment(stepKey(step))}`, onclick: (event) => { event.preventDefault(); run.choose(step); } }, step.path)], ...(step && step === run.chosen ? [] : undone(error))]),
      code,
      error?.traceback && h('details', null, h('summary', null, 'Traceback'), h('pre', null, String(error.traceback))),
      error?.details !== undefined && valueBox('Error details', error.details));
  };

  return { element, draw };
}
