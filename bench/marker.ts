// A number in a picture that survives every rung of a ladder: eight blocks along its upper edge, three
// bits, the same three the other way round, and white and black to tell that there is a number at all.

const BLOCKS = 8

/** For a video of FFmpeg's. @param number 0 to 7 */
export function markerFilter(number: number): string {
  return Array.from({ length: BLOCKS }, (_, block) => {
    const colour = isWhite(number, block) ? 'white' : 'black'
    return `drawbox=x=iw*${block}/${BLOCKS}:y=0:w=iw/${BLOCKS}:h=ih/16:color=${colour}:t=fill`
  }).join(',')
}

function isWhite(number: number, block: number): boolean {
  if (block >= 6) return block === 6
  const bit = ((number >> (block % 3)) & 1) === 1
  return block < 3 ? bit : !bit
}
