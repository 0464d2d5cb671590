// The languages that captions are offered in by name: those that most people speak. Any other by its tag.

const tags =
  'ar bn cs da de el en es fa fi fr he hi hu id it ja ko nl nb pl pt ro ru sv sw th tr uk ur vi zh-Hans zh-Hant'

const names = new Intl.DisplayNames('en', { type: 'language' })

export interface Language {
  tag: string
  name: string
}

export const languages: Language[] = tags
  .split(' ')
  .map(tag => ({ tag, name: names.of(tag) ?? tag }))
  .sort((a, b) => a.name.localeCompare(b.name, 'en'))

/** The first of the person's own that is among them. */
export function ownLanguage(): string {
  const own = navigator.languages.flatMap(tag => [tag, tag.split('-')[0] ?? tag])
  return own.find(tag => languages.some(language => language.tag === tag)) ?? 'en'
}
