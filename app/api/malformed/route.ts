// Where app/process.ts sends requests whose address cannot be decoded.
import { problem } from '#app/problem.ts'

const refuse = () => problem(400, 'malformed_address', 'The address is not valid percent-encoding.')

export { refuse as DELETE, refuse as GET, refuse as HEAD, refuse as PATCH, refuse as POST, refuse as PUT }
