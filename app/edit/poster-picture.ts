// A person's picture as it is sent: upright, as a JPEG, no larger than any screen shows it. The browser reads
// more kinds than the server does, and knows which way up a phone was held.

const longSide = 2160

/** A browser that cannot read it sends it as it is: the server may, and says so if not. */
export async function toPosterPicture(file: File): Promise<Blob> {
  let bitmap: ImageBitmap
  try {
    bitmap = await createImageBitmap(file)
  } catch (error) {
    // InvalidStateError: not a picture, or of a kind that this browser does not read.
    if (error instanceof DOMException) return file
    throw error
  }
  const scale = Math.min(1, longSide / Math.max(bitmap.width, bitmap.height))
  const canvas = new OffscreenCanvas(
    Math.max(1, Math.round(bitmap.width * scale)),
    Math.max(1, Math.round(bitmap.height * scale)),
  )
  const context = canvas.getContext('2d')
  if (!context) return file
  // What can be seen through is seen before white, not before what lies behind by chance.
  context.fillStyle = 'white'
  context.fillRect(0, 0, canvas.width, canvas.height)
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height)
  bitmap.close()
  return canvas.convertToBlob({ type: 'image/jpeg', quality: 0.9 })
}
