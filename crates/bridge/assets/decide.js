// Deciding one of several: the page stays, says what came of it, and goes on to the next card. One alone
// leads to its sequence, as without scripts.
(() => {
  'use strict';
  const { parse, say, morph, settle } = window.tide;
  const open = () => [...document.querySelectorAll('[data-card]')].filter((card) => card.querySelector('.ballot'));

  /** The card after this one, or else the one before it. */
  function beside(card) {
    const all = open(), at = all.indexOf(card);
    return all[at + 1] ?? all[at - 1];
  }

  /** What a refusal says, above the card as it is now. */
  function refuse(card, page) {
    const fresh = page.getElementById(card.id), words = page.querySelector('.notice');
    if (fresh) morph(card, fresh);
    if (words) {
      const notice = document.importNode(words, true), heading = document.createElement('h4');
      const large = notice.querySelector('h1');
      heading.textContent = large.textContent;
      large.replaceWith(heading);
      notice.dataset.stays = 'yes';
      card.querySelector('.notice')?.remove();
      card.prepend(notice);
      say(heading.textContent);
      card.focus();
    }
    card.querySelector('[aria-invalid]')?.focus();
  }

  document.addEventListener('submit', async (event) => {
    const form = event.target, card = form.closest('[data-card]');
    if (event.defaultPrevented || !card || !form.matches('.ballot') || open().length < 2) return;
    event.preventDefault();
    if (form.dataset.mine) return;
    form.dataset.mine = 'sent';
    const next = beside(card);
    try {
      const answer = await fetch(form.action, { method: 'POST', body: new URLSearchParams(new FormData(form, event.submitter)) });
      if (answer.redirected && new URL(answer.url).pathname === '/bridge/login') { location.href = answer.url; return; }
      const page = parse(await answer.text());
      if (!answer.redirected || !answer.ok) { refuse(card, page); return; }
      settle(card, `${page.querySelector('h1').textContent.trim()}.`, answer.url);
      next?.focus();
      next?.scrollIntoView({ block: 'nearest' });
    } catch {
      say('The server does not answer: it may or may not have been done. Look again before you decide again.');
    } finally {
      delete form.dataset.mine;
      if (!card.matches('.gone')) delete card.dataset.stays;
    }
  });
})();
