import type { BrowserName } from './browser-identity.ts';

/**
 * `navigator.languages` of a browser that was installed in this locale: a browser asks for its own language, and those not
 * in English for English as well.
 */
export function languagesOf(browser: BrowserName, locale: string): string[] {
  const { language, region } = new Intl.Locale(locale);
  if (browser === 'safari') return [locale];
  const own = region === undefined ? [language] : [locale, language];
  if (language === 'en') {
    // Chrome in British English also asks for the American, Firefox does not.
    return browser === 'firefox' || region === 'US' || region === undefined ? own : [locale, 'en-US', 'en'];
  }
  return [...(browser === 'firefox' ? firefoxOwn(locale, language) : own), 'en-US', 'en'];
}

/** Firefox is translated into languages, and into what is spoken in one country only where it is named here. */
const REGIONAL_FIREFOX = /^(?:pt-(?:BR|PT)|es-(?:ES|MX|AR|CL)|sv-SE|zh-(?:CN|TW)|nb-NO|it-IT)$/;

function firefoxOwn(locale: string, language: string): string[] {
  if (locale === 'fr-FR') return ['fr', 'fr-FR'];
  return REGIONAL_FIREFOX.test(locale) ? [locale, language] : [language];
}

/** `Accept-Language`, weighted as each browser does. */
export function acceptLanguage(browser: BrowserName, languages: readonly string[]): string {
  const list = browser === 'safari' ? withBareLanguage(languages) : languages;
  return list
    .map((tag, index) => (index === 0 ? tag : `${tag};q=${weight(browser, index, list.length)}`))
    .join(',');
}

/** Chrome and Safari count down in tenths; Firefox spreads what is left over all. */
function weight(browser: BrowserName, index: number, count: number): string {
  const exact = browser === 'firefox' ? 1 - index / count : Math.max(0.1, 1 - index / 10);
  return exact.toFixed(1);
}

/** Safari names one language in scripts, and the bare one as well in the header. */
function withBareLanguage(languages: readonly string[]): readonly string[] {
  const first = languages[0]!;
  const { language } = new Intl.Locale(first);
  return first === language ? languages : [first, language, ...languages.slice(1)];
}
