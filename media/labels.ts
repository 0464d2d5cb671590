// Names that people choose by. Pure.

/** @param taken the name that is returned is added */
export function distinct(name: string, taken: Set<string>): string {
  let label = name
  for (let count = 2; taken.has(label); count++) label = `${name} ${count}`
  taken.add(label)
  return label
}

const names = new Intl.DisplayNames('en', { type: 'language' })

/** In English; the tag itself where that is more than a language, which has no name. */
export function languageName(tag: string): string {
  try {
    return names.of(tag) ?? tag
  } catch (error) {
    if (error instanceof RangeError) return tag
    throw error
  }
}
