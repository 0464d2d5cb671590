// Names that people choose by. Pure.

/** @param taken the name that is returned is added */
export function distinct(name: string, taken: Set<string>): string {
  let label = name
  for (let count = 2; taken.has(label); count++) label = `${name} ${count}`
  taken.add(label)
  return label
}
