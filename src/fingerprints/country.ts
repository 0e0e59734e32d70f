/** Languages of countries where more than one is spoken by many; the likeliest first. Elsewhere CLDR's likeliest. */
const LANGUAGES: Readonly<Record<string, readonly string[]>> = {
  BE: ['nl-BE', 'fr-BE'],
  CA: ['en-CA', 'en-CA', 'en-CA', 'fr-CA'],
  CH: ['de-CH', 'de-CH', 'fr-CH', 'it-CH'],
  FI: ['fi-FI'],
  IN: ['en-IN', 'en-IN', 'hi-IN'],
  LU: ['fr-LU', 'de-LU'],
  NO: ['nb-NO'],
  PH: ['en-PH'],
  SG: ['en-SG', 'en-SG', 'zh-SG'],
  ZA: ['en-ZA'],
};

/** The zones where people live, of countries with many; CLDR's list has every county that once set its own clock. */
const TIME_ZONES: Readonly<Record<string, readonly string[]>> = {
  AR: ['America/Buenos_Aires'],
  AU: [
    'Australia/Sydney',
    'Australia/Melbourne',
    'Australia/Brisbane',
    'Australia/Perth',
    'Australia/Adelaide',
  ],
  BR: ['America/Sao_Paulo', 'America/Sao_Paulo', 'America/Bahia', 'America/Fortaleza', 'America/Manaus'],
  CA: [
    'America/Toronto',
    'America/Toronto',
    'America/Vancouver',
    'America/Edmonton',
    'America/Winnipeg',
    'America/Halifax',
  ],
  CL: ['America/Santiago'],
  CN: ['Asia/Shanghai'],
  DE: ['Europe/Berlin'],
  ES: ['Europe/Madrid'],
  ID: ['Asia/Jakarta', 'Asia/Jakarta', 'Asia/Makassar'],
  KZ: ['Asia/Almaty'],
  MX: ['America/Mexico_City', 'America/Mexico_City', 'America/Monterrey', 'America/Tijuana'],
  MY: ['Asia/Kuala_Lumpur'],
  NZ: ['Pacific/Auckland'],
  PT: ['Europe/Lisbon'],
  RU: [
    'Europe/Moscow',
    'Europe/Moscow',
    'Asia/Yekaterinburg',
    'Asia/Novosibirsk',
    'Europe/Samara',
    'Asia/Vladivostok',
  ],
  UA: ['Europe/Kiev'],
  US: [
    'America/New_York',
    'America/New_York',
    'America/New_York',
    'America/Chicago',
    'America/Chicago',
    'America/Los_Angeles',
    'America/Denver',
    'America/Phoenix',
  ],
};

/** Whether it is a country that Node's own data (CLDR) knows: two letters, ISO 3166. */
export function isCountry(country: string): boolean {
  return /^[A-Za-z]{2}$/.test(country) && zonesOfRegion(country.toUpperCase()).length > 0;
}

/**
 * Locales of browsers in a country, some named twice for being twice as common.
 * @param country one for which {@link isCountry} holds
 */
export function localesIn(country: string): readonly string[] {
  const region = country.toUpperCase();
  const { language } = new Intl.Locale(`und-${region}`).maximize();
  return LANGUAGES[region] ?? [`${language}-${region}`];
}

/** Time zones in a country, the same way. */
export function timeZonesIn(country: string): readonly string[] {
  const region = country.toUpperCase();
  return TIME_ZONES[region] ?? zonesOfRegion(region);
}

/** Where the users of a locale mostly sit. */
export function countryOf(locale: string): string {
  return new Intl.Locale(locale).maximize().region ?? 'US';
}

/** Intl.Locale Info: the proposal's getter in some releases of Node, a method in others. */
interface LocaleInfo {
  readonly timeZones?: readonly string[];
  getTimeZones?(): readonly string[] | undefined;
}

function zonesOfRegion(region: string): readonly string[] {
  const locale = new Intl.Locale(`und-${region}`) as LocaleInfo;
  return locale.getTimeZones?.() ?? locale.timeZones ?? [];
}
