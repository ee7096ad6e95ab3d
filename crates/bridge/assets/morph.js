// Takes over what differs between the page and what the server says now. Focus, open details, scroll
// position and typed text stay; nothing moves under a finger.
window.tide = (() => {
  'use strict';
  const trust = window.trustedTypes?.createPolicy('tidegate', { createHTML: (text) => text });

  /** A page of ours, as a document of its own; nothing in it runs. */
  const parse = (text) => new DOMParser().parseFromString(trust ? trust.createHTML(text) : text, 'text/html');

  let quiet;
  /** One line for everybody, also for those who only hear the page. */
  function say(text) {
    const line = document.getElementById('say');
    if (line.textContent !== text) line.textContent = text;
    clearTimeout(quiet);
    if (text) quiet = setTimeout(say, 8_000, '');
  }

  const key = (node) => node.dataset?.key || node.id || '';
  const same = (a, b) => !key(a) && a.nodeName === b.nodeName && a.classList?.value === b.classList?.value;
  const stays = (node) => node.dataset?.stays === 'yes';
  // What scripts have added or the reader has done.
  const mine = (node, name) => name === 'data-changed' || name === 'data-mine' || (name === 'open' && node.localName === 'details') || (name === 'tabindex' && node.closest('[data-heat]'));

  /** Makes `old` what `fresh` is. With `all`, also what was held back is shown. */
  function morph(old, fresh, all) {
    if (old.nodeType !== 1) { if (old.data !== fresh.data) old.data = fresh.data; return; }
    if (old.dataset.v && old.dataset.v !== fresh.dataset.v) old.dataset.changed = Date.now();
    for (const { name } of [...old.attributes]) if (!mine(old, name) && !fresh.hasAttribute(name)) old.removeAttribute(name);
    for (const { name, value } of fresh.attributes) if (!mine(old, name) && old.getAttribute(name) !== value) old.setAttribute(name, value);
    if (old.localName === 'textarea' || old.localName === 'input' || old.localName === 'select') return;
    const atEnd = old.dataset.tail === '' && old.scrollTop + old.clientHeight >= old.scrollHeight - 4;
    children(old, fresh, all);
    if (atEnd) old.scrollTop = old.scrollHeight;
  }

  function children(old, fresh, all) {
    const wanted = new Set([...fresh.children].map(key)), known = new Map();
    const held = all || old.dataset.list === undefined ? [] : news(old, fresh);
    // Backwards: a heading goes with what stood under it.
    for (const child of [...old.children].reverse()) {
      if (stays(child) && !child.matches('.gone') && wanted.has(key(child))) delete child.dataset.stays;
      if (stays(child) || !key(child)) continue;
      if (wanted.has(key(child))) known.set(key(child), child);
      // What news has pushed from the list is not gone.
      else if (held.length === 0) leave(child, fresh);
      else child.dataset.stays = 'yes';
    }
    let at = old.firstChild;
    const skip = () => { while (at && stays(at)) at = at.nextSibling; };
    for (const next of [...fresh.childNodes]) {
      skip();
      if (held.includes(next)) continue;
      const k = next.nodeType === 1 ? key(next) : '';
      let match = k ? known.get(k) : at;
      // What comes between has gone; text is too alike.
      if (!k) while (match && !same(match, next)) match = next.nodeType === 1 ? match.nextSibling : null;
      if (!k && match) while (at !== match) { const gone = at; at = at.nextSibling; if (!stays(gone)) gone.remove(); }
      // What is moved loses the focus: the text before it goes instead.
      if (k && match) for (skip(); at && at !== match && at.nodeType !== 1; skip()) { const gone = at; at = at.nextSibling; gone.remove(); }
      if (!match) old.insertBefore(document.importNode(next, true), at);
      else { if (match === at) at = at.nextSibling; else old.insertBefore(match, at); morph(match, next, all); }
    }
    for (skip(); at; skip()) { const gone = at; at = at.nextSibling; gone.remove(); }
    if (old.dataset.list !== undefined) offer(old, fresh, held.filter((child) => !child.matches('.group')).length);
  }

  /** What is new in a list that somebody may be about to press: it is held back until asked for. */
  function news(old, fresh) {
    const there = new Set([...old.children].map(key));
    if (![...old.children].some((child) => key(child) && !stays(child))) return [];
    return [...fresh.children].filter((child) => key(child) && !there.has(key(child)));
  }

  function offer(list, fresh, count) {
    let bar = list.previousElementSibling?.matches('.news') ? list.previousElementSibling : null;
    if (!count) { bar?.remove(); return; }
    const words = `${count} new, show`;
    if (!bar) {
      bar = document.createElement('p');
      bar.className = 'news';
      bar.dataset.stays = 'yes';
      bar.append(document.createElement('button'));
      list.before(bar);
    }
    const button = bar.firstChild;
    if (button.textContent !== words) { button.textContent = words; say(`${count} new.`); }
    button.onclick = () => {
      for (const child of [...list.children]) delete child.dataset.stays;
      bar.remove();
      morph(list, fresh, true);
      [...list.children].find((child) => child.matches('[data-card], [data-row]') || child.querySelector('a'))?.focus();
      document.dispatchEvent(new Event('swapped'));
    };
  }

  // A card that somebody else settled keeps its place.
  function leave(child, fresh) {
    if (child.matches('.group') && child.nextElementSibling?.matches('.gone')) { child.dataset.stays = 'yes'; return; }
    if (!child.matches('.card')) { child.remove(); return; }
    // Whoever is deciding it is told by the answer, and goes on from there.
    if (child.querySelector('form[data-mine]')) { child.dataset.stays = 'yes'; return; }
    const row = fresh.ownerDocument.querySelector(`[data-decided="${CSS.escape(key(child))}"]`);
    settle(child, row?.dataset.line ?? 'Closed.', row?.querySelector('a')?.href);
  }

  /** Turns a card into one line that says what became of it. */
  function settle(card, text, href) {
    const line = document.createElement('p'), button = document.createElement('button');
    line.textContent = text;
    if (href) {
      const link = document.createElement('a');
      link.href = href;
      link.textContent = 'Open';
      line.append(' ', link);
    }
    button.textContent = 'Dismiss';
    button.onclick = () => {
      const heading = card.previousElementSibling, last = !card.nextElementSibling?.matches('.card');
      if (last && heading?.matches('.group') && stays(heading)) heading.remove();
      card.remove();
    };
    card.style.minHeight = card.offsetHeight + 'px';
    card.dataset.stays = 'yes';
    card.removeAttribute('data-card');
    card.className = 'card gone';
    card.replaceChildren(line, button);
    say(text);
  }

  return { parse, say, morph, settle };
})();
