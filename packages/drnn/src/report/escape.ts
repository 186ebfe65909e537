/** Markup that is safe to put in the page. Only `html` and `joined` make it from strings, and `html` escapes them. */
export interface Html {
  readonly html: string;
}

const replacements: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
  '`': '&#96;',
};

const unsafe = /\p{Cc}|\p{Cs}|\p{Noncharacter_Code_Point}|[\u202a-\u202e\u2066-\u2069]/gu;

/**
 * `text` as HTML or SVG character data, also inside a quoted attribute. Characters that a parser would drop or change
 * (controls, lone surrogates) and those that reorder the text after them (bidirectional overrides) become U+FFFD.
 */
export const escapeText = (text: string): string =>
  text
    .replace(/\r\n?/g, '\n')
    .replace(unsafe, (character) => (character === '\n' || character === '\t' ? character : '\ufffd'))
    .replace(/[&<>"'`]/g, (character) => replacements[character] ?? '');

/** What a template of `html` takes: strings are escaped, markup is not, lists are joined, `null` is nothing. */
export type Part = string | Html | null | readonly Part[];

const render = (part: Part): string => {
  if (part === null) return '';
  if (typeof part === 'string') return escapeText(part);
  return 'html' in part ? part.html : part.map(render).join('');
};

/** Markup from a template literal, every interpolated string escaped. Attribute values must be quoted in the template. */
export const html = (literals: TemplateStringsArray, ...parts: readonly Part[]): Html => ({
  html: literals.map((literal, index) => literal + render(parts[index] ?? null)).join(''),
});

/** `text` on one line and at most `length` characters long, for labels in figures. */
export const shortened = (text: string, length: number): string => {
  const characters = Array.from(text.replace(/\s+/gu, ' ').trim());
  return characters.length <= length ? characters.join('') : `${characters.slice(0, length - 1).join('')}…`;
};
