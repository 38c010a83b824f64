// What a model was told and answered, as people read it; the exact values stand in the trees beside it.

import { h } from './dom.js';
import { count } from './format.js';
import { line } from './widgets.js';

const names = { system: 'Instructions', user: 'Asked', assistant: 'Model', tool: 'Tool' };
/** The characters of one message, and the messages of one conversation, that are shown. */
const longest = 4000;
const most = 60;

/** `0.000117` as what it costs, with the digits that say something. */
export const money = (value) => (value >= 0.01 ? value.toFixed(4) : value.toPrecision(3)).replace(/(\.\d*?)0+$/, '$1').replace(/\.$/, '');

/** The messages of a value such as an agent gives, or undefined. */
export function messagesOf(value) {
  const list = value?.messages;
  return Array.isArray(list) && list.length > 0 && list.every((one) => typeof one?.role === 'string') ? list : undefined;
}

const textOf = (content) => {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return content === undefined || content === null ? '' : line(content, longest);
  return content.map((part) => (typeof part === 'string' ? part : part?.text ?? line(part, longest))).join('\n');
};

/** One message: who says it, the text, and the tools that it calls. */
export function bubble(role, content, { name, calls = [] } = {}) {
  const text = textOf(content);
  return h('div', { class: `bubble is-${Object.hasOwn(names, role) ? role : 'user'}` },
    h('div', { class: 'bubble-head' }, Object.hasOwn(names, role) ? names[role] : role, name && h('code', null, ` ${name}`)),
    text !== '' && h('div', { class: 'bubble-text' }, text.length > longest ? `${text.slice(0, longest)}… (${count(text.length)} characters)` : text),
    calls.slice(0, most).map((call) => h('div', { class: 'bubble-call' }, h('strong', null, String(call?.name ?? 'a tool')), ' ', h('code', { class: 'break' }, line(call?.arguments, 400)))));
}

/** All messages in order; of a long conversation the newest ones. */
export function transcript(messages) {
  const shown = messages.slice(-most);
  return h('div', { class: 'bubbles' },
    shown.length < messages.length && h('p', { class: 'muted small' }, `${count(messages.length - shown.length)} earlier messages are in the value below`),
    shown.map((one) => bubble(one.role, one.content, { name: one.role === 'tool' ? one.name : undefined, calls: Array.isArray(one.tool_calls) ? one.tool_calls : [] })));
}

/** What a step said with a model, if it did; undefined otherwise. */
export function conversation(step) {
  const whole = messagesOf(step.output);
  if (whole) return transcript(whole);
  const answer = step.usage && step.output?.message;
  if (!answer || typeof answer.role !== 'string') return undefined;
  const opening = Array.isArray(step.output.opening) ? step.output.opening : [];
  const results = Array.isArray(step.input?.results) ? step.input.results : [];
  return transcript([...opening, ...results, answer].filter((one) => typeof one?.role === 'string'));
}
