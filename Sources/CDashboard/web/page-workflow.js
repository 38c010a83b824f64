// One workflow: its graph, a form that starts it, its schemas and its code.

import * as api from './api.js';
import { draft, forget } from './drafts.js';
import { h, icon, put } from './dom.js';
import { count, statuses } from './format.js';
import { graph } from './graph.js';
import { formText } from './form-text.js';
import { stringify } from './json.js';
import { copy, empty, emptyWith, facts, failure, iconButton, once, sourceLines, tabs, tree } from './widgets.js';

export default function workflowPage(context) {
  const { id } = context.params;
  const body = h('div', { class: 'page-rest' });
  const about = h('p', { class: 'muted page-about' });
  const states = h('div', { class: 'chips workflow-states' });
  const refused = h('div', { class: 'stack' });
  let picture;

  // Forms are loaded where one is wanted.
  const startPanel = (workflow) => {
    const panel = h('div');
    import('./form.js').then(({ submit, valueForm }) => {
      const show = (now, initial, note) => put(panel, startForm(now, submit, valueForm, show, initial, note));
      show(workflow);
    }, (error) => put(panel, failure(error)));
    return panel;
  };
  const startForm = (workflow, submit, valueForm, show, initial, note) => {
    // A run may fail by what it got: who comes back finds what they typed.
    const name = `start ${id} ${stringify(workflow.inputSchema ?? null)}`;
    const { form, isKept } = draft(name, () => valueForm({ schema: workflow.inputSchema, label: 'Input', initial }));
    const trouble = h('div', { 'aria-live': 'assertive' });
    const runID = h('input', { id: 'run-id', autocomplete: 'off', spellcheck: 'false', maxlength: '200' });
    const send = h('button', { type: 'submit', class: 'button primary' }, icon('play', 12), h('span', null, 'Start the run'));
    return h('form', {
      class: 'card start', novalidate: true, onsubmit: (event) => {
        event.preventDefault();
        once(send, async () => {
          put(trouble);
          try {
            // The script may have been saved since the form was made.
            const now = await api.json(`/api/workflows/${api.segment(id)}`);
            if (stringify(now.inputSchema ?? null) !== stringify(workflow.inputSchema ?? null)) {
              show(now, form.peek(), 'What this workflow takes has changed. Look at the form again before you start the run.');
              body.querySelector('.start .notice')?.focus();
              return;
            }
            const run = await submit(form, (inputData) => api.post(`/api/workflows/${api.segment(id)}/runs`, { inputData: inputData ?? null, ...(runID.value.trim() && { runId: runID.value.trim() }) }));
            send.disabled = true;
            for (const secret of form.element.querySelectorAll('input[type=password]')) secret.value = '';
            context.go(`#/runs/${api.segment(run.runId)}`);
          } catch (error) {
            put(trouble, error instanceof api.APIError ? failure(error) : null);
          }
        });
      },
    }, note && h('div', { class: 'notice', role: 'alert', tabindex: '-1' }, icon('workflows'), h('div', null, note)), isKept && h('p', { class: 'help' }, 'As you left it. ', h('button', { type: 'button', class: 'link', onclick: () => { forget(name); show(workflow); } }, 'Begin with an empty form')), form.element,
    h('details', { class: 'hint' }, h('summary', null, 'More'), h('div', { class: 'field' }, h('label', { for: 'run-id' }, 'Run id ', h('span', { class: 'muted' }, '(optional)')), runID,
      h('p', { class: 'help' }, 'Asked for twice, a run of one id is started once.'))), trouble, h('div', { class: 'form-end' }, send));
  };
  const schemasPanel = (workflow) => {
    const box = (title, schema, note) => schema !== undefined && h('section', { class: 'value' }, h('div', { class: 'value-head' }, h('h3', null, title), note && h('span', { class: 'muted small' }, note),
      iconButton(`Copy ${title}`, 'copy', { onclick: () => copy(schema) })), tree(schema, { open: 3, label: title }));
    const steps = workflow.steps.filter((step) => step.inputSchema || step.outputSchema || step.responseSchema);
    return h('div', { class: 'panel-pad' }, h('h2', { class: 'hidden' }, 'Schemas'),
      box('Input', workflow.inputSchema), box('Output', workflow.outputSchema),
      steps.map((step) => [box(`${step.path} input`, step.inputSchema), box(`${step.path} output`, step.outputSchema), box(`${step.path} answer`, step.responseSchema)]),
      !workflow.inputSchema && !workflow.outputSchema && steps.length === 0 && empty('No schemas', 'A workflow that says what it takes gets a form here, and refuses what does not fit:',
        h('div', { class: 'command' }, h('code', null, 'input_schema = s.object { name = s.string() }'))));
  };
  const sourcePanel = () => {
    const panel = h('div', { class: 'panel-pad panel-wide' }, h('p', { class: 'muted' }, 'Loading…'));
    api.json(`/api/workflows/${api.segment(id)}/source`, { signal: context.signal }).then(({ files }) => put(panel, h('h2', { class: 'hidden' }, 'Code'), files.map((file) => h('section', { class: 'value' },
      h('div', { class: 'value-head' }, h('h3', null, h('code', null, file.name)), iconButton(`Copy ${file.name}`, 'copy', { onclick: () => copy(file.text) })),
      h('div', { class: 'scroll-x source-box', tabindex: '0', role: 'region', 'aria-label': `Code of ${file.name}` }, sourceLines(file))))), (error) => put(panel, error.status === 404 ? empty('No code is kept', 'Workflows that a program wrote in Swift have none here.') : failure(error)));
    return panel;
  };
  const graphPanel = () => {
    const panel = h('div', { class: 'graph-panel' }, h('p', { class: 'muted pad' }, 'Drawing…'));
    graph(id, { signal: context.signal }).then((made) => { picture = made; put(panel, made.element); }, (error) => !context.signal.aborted && put(panel, failure(error)));
    return panel;
  };
  const versionPanel = (workflow) => h('div', { class: 'panel-pad' }, facts([
    ['Version', workflow.version !== undefined && `${workflow.version}, counted since the server started`], ['File', workflow.file && h('code', null, workflow.file)],
    ['Code', workflow.generation && h('span', null, h('code', { class: 'break' }, workflow.generation), iconButton('Copy', 'copy', { onclick: () => copy(workflow.generation) }))],
    ['Steps', count(workflow.steps.length)], ['Waits', workflow.waits.length > 0 && workflow.waits.map((wait) => h('div', null, h('code', null, wait.path), wait.event ? ` for the event ${wait.event}` : ' for a person'))],
  ]), h('p', { class: 'muted' }, 'A save that loads is a new version, of which new runs are made. Runs that are under way keep the code that they began with; Upgrade on a run moves it.'));

  const load = async () => {
    try {
      const workflow = await api.json(`/api/workflows/${api.segment(id)}`, { signal: context.signal });
      put(about, workflow.description ?? '');
      const numbers = Object.keys(statuses).map((status) => [status, Number(workflow.runs?.[status]) || 0]).filter(([, number]) => number > 0);
      put(states, numbers.map(([status, number]) =>
        h('a', { class: `chip is-${status}`, href: `#/runs${api.query({ workflow: id, status })}` }, icon(status, 14), h('span', null, statuses[status]), h('span', { class: 'chip-count num' }, count(number)))),
      numbers.length > 0 ? h('a', { class: 'link', href: `#/runs?workflow=${api.segment(id)}` }, 'All its runs') : h('span', { class: 'muted small' }, 'No runs yet'));
      await api.introduced();
      const mayStart = api.principal.role !== 'read';
      // An address that leads to what a token does not allow says so.
      if (!mayStart && context.query.view === 'start') {
        put(refused, h('div', { class: 'notice', role: 'status' }, icon('workflows'), h('div', null, 'Your token may look, and not start a run. A run of this workflow takes:', formText({ schema: workflow.inputSchema }))));
      }
      const view = tabs({
        label: 'Views', selected: context.query.view, changed: (name) => context.note({ view: name === 'graph' ? '' : name }),
        items: [
          { id: 'graph', label: 'Graph', panel: graphPanel },
          ...(mayStart ? [{ id: 'start', label: 'Start a run', panel: () => startPanel(workflow) }] : []),
          { id: 'schemas', label: 'Schemas', panel: () => schemasPanel(workflow) }, { id: 'version', label: 'Version', panel: () => versionPanel(workflow) },
          { id: 'source', label: 'Source', panel: sourcePanel },
        ],
      });
      put(body, view.bar, view.body);
    } catch (error) {
      if (!context.signal.aborted) put(body, error.status === 404 ? emptyWith({ sign: 'workflows' }, 'There is no such workflow', 'Its file may be gone, or may not load.', h('a', { href: '#/workflows' }, 'Show all workflows')) : failure(error, load));
    }
  };
  load();
  return {
    title: id,
    element: h('div', { class: 'page page-fill' }, h('header', { class: 'page-head' }, h('a', { class: 'icon-button back', href: '#/workflows', 'aria-label': 'All workflows' }, icon('back')), h('h1', null, id), h('span', { class: 'grow' })), about, states, refused, body),
    destroy: () => picture?.destroy(),
  };
}
