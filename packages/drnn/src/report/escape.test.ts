import fc from 'fast-check';
import { Window } from 'happy-dom';
import { describe, expect, it } from 'vitest';
import { escapeText, html, shortened } from './escape.js';

/** Any UTF-16 text, lone surrogates and controls included, mostly ASCII. */
const anyText = fc
  .array(fc.oneof(fc.integer({ min: 0, max: 0x7f }), fc.integer({ min: 0, max: 0xffff })))
  .map((codes) => String.fromCharCode(...codes));

describe('escapeText', () => {
  it('leaves no character that could end text or a quoted attribute', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(escapeText(text).replace(/&(amp|lt|gt|quot|#39|#96);/g, '')).not.toMatch(/[<>&"'`]/);
      }),
    );
  });

  it('is read back by a parser as it was, in text and in an attribute', () => {
    const { document } = new Window();
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'<>&"\'`/=;#xa é本🧠&amp;'.split('')) }), (text) => {
        const readable = escapeText(text) === '' ? '' : text.replace(/\p{Cs}/gu, '\ufffd');
        document.body.innerHTML = html`<p title="${text}">${text}</p>`.html;
        expect(document.body.querySelector('p')?.textContent).toBe(readable);
        expect(document.body.querySelector('p')?.getAttribute('title')).toBe(readable);
        expect(document.body.querySelectorAll('*')).toHaveLength(1);
      }),
    );
  });

  it('replaces what a parser would drop and what would reorder the text after it', () => {
    expect(escapeText('a\0b\u001bc\u202ed\ud800e\r\nf\tg')).toBe('a\ufffdb\ufffdc\ufffdd\ufffde\nf\tg');
  });
});

describe('html', () => {
  it('escapes strings, keeps markup, joins lists and leaves out null', () => {
    expect(html`<i>${['<b>', html`<b></b>`, null]}</i>`.html).toBe('<i>&lt;b&gt;<b></b></i>');
  });
});

describe('shortened', () => {
  it('keeps a label on one line and within its length, without cutting a character in two', () => {
    expect(shortened('two\n lines', 20)).toBe('two lines');
    fc.assert(
      fc.property(anyText, fc.integer({ min: 1, max: 10 }), (text, length) => {
        const label = shortened(text, length);
        expect(Array.from(label).length).toBeLessThanOrEqual(length);
        if (!/\p{Cs}/u.test(text)) expect(label).not.toMatch(/\p{Cs}/u);
      }),
    );
  });
});
