// What a page may not have, as a list of texts: controls without a name, text that is hard to read, ids that come twice, headings and
// landmarks that are missing, content that is wider than the screen.
(() => {
  const problems = [];
  const isVisible = (element) => element.checkVisibility({ visibilityProperty: true, opacityProperty: true }) && element.getClientRects().length > 0;
  const shown = (element) => `<${element.localName} class="${element.getAttribute('class') ?? ''}"> ${element.textContent.trim().slice(0, 40)}`;

  const nameOf = (element) => {
    const labelled = (element.getAttribute('aria-labelledby') ?? '').split(' ').filter(Boolean).map((id) => document.getElementById(id)?.textContent ?? '').join(' ');
    const labels = [...(element.labels ?? [])].map((label) => label.textContent).join(' ');
    const text = element.matches('input, select, textarea') ? '' : element.textContent;
    return [element.getAttribute('aria-label'), labelled, labels, text, element.title].map((part) => (part ?? '').trim()).find(Boolean);
  };
  for (const element of document.querySelectorAll('a, button, input, select, textarea, summary, [role=button], [role=tab], [role=treeitem], dialog, nav, aside')) {
    if (isVisible(element) && !nameOf(element)) problems.push(`no name: ${shown(element)}`);
  }

  const ids = new Set();
  for (const { id } of document.querySelectorAll('[id]')) {
    if (ids.has(id) && id !== 'arrow') problems.push(`id twice: ${id}`);
    ids.add(id);
  }

  const parse = (text) => {
    const parts = text.match(/[\d.]+/g)?.map(Number) ?? [0, 0, 0, 0];
    return { r: parts[0], g: parts[1], b: parts[2], a: parts[3] ?? 1 };
  };
  const over = (top, under) => ({ r: top.r * top.a + under.r * (1 - top.a), g: top.g * top.a + under.g * (1 - top.a), b: top.b * top.a + under.b * (1 - top.a), a: 1 });
  const groundOf = (element) => {
    const layers = [];
    for (let at = element; at; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      if (colour.a > 0) layers.push(colour);
      if (colour.a === 1) break;
    }
    return layers.reverse().reduce((under, top) => over(top, under), parse(getComputedStyle(document.body).backgroundColor));
  };
  const light = ({ r, g, b }) => {
    const [red, green, blue] = [r, g, b].map((part) => (part / 255 <= 0.04045 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const seen = new Set();
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || seen.has(element) || element.closest('svg, script, noscript, option, .skip, .hidden, .offscreen') || !isVisible(element)) continue;
    seen.add(element);
    const style = getComputedStyle(element);
    const ground = groundOf(element);
    const [one, other] = [light(over(parse(style.color), ground)), light(ground)].sort((a, b) => b - a);
    const ratio = (one + 0.05) / (other + 0.05);
    const size = parseFloat(style.fontSize);
    const isLarge = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    if (ratio < (isLarge ? 3 : 4.5)) problems.push(`contrast ${ratio.toFixed(2)}: ${shown(element)}`);
  }

  // Names that lead nowhere, headings that skip a level, and buttons in buttons mislead who does not see the page.
  for (const name of ['aria-controls', 'aria-labelledby', 'aria-describedby', 'aria-errormessage']) {
    for (const element of document.querySelectorAll(`[${name}]`)) {
      const missing = element.getAttribute(name).split(' ').filter((id) => !document.getElementById(id));
      if (missing.length > 0) problems.push(`${name} names nothing: ${missing.join(' ')}`);
    }
  }
  let level = 0;
  for (const heading of document.querySelectorAll('h1, h2, h3, h4')) {
    if (!heading.checkVisibility()) continue;
    const own = Number(heading.localName[1]);
    if (own > level + 1) problems.push(`h${own} after h${level}: ${heading.textContent.slice(0, 40)}`);
    level = own;
  }
  const pressed = 'button, a[href], [role=button], input, select, textarea';
  for (const element of document.querySelectorAll(pressed)) {
    if (element.parentElement?.closest('button, a[href], [role=button]')) problems.push(`a control in a control: ${element.outerHTML.slice(0, 80)}`);
  }

  if (document.querySelectorAll('main').length !== 1) problems.push('not one main');
  if (document.querySelectorAll('h1').length !== 1) problems.push(`${document.querySelectorAll('h1').length} h1`);
  if (document.documentElement.scrollWidth > innerWidth) problems.push(`wider than the screen: ${document.documentElement.scrollWidth} > ${innerWidth}`);
  const main = document.querySelector('main');
  if (main.scrollWidth > main.clientWidth + 1) problems.push(`content wider than its place: ${main.scrollWidth} > ${main.clientWidth}`);
  for (const name of ['.inspector', '.task-detail', '.panel-pad', '.start']) {
    const part = document.querySelector(name);
    if (part && isVisible(part) && part.scrollWidth > part.clientWidth + 1) problems.push(`${name} wider than its place: ${part.scrollWidth} > ${part.clientWidth}`);
  }
  return problems;
})();
