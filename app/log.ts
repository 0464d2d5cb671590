// The web process's log; lines that are written while a request is answered carry its id.
import { requestId } from '#app/requests.ts'
import { loadConfig } from '#config'
import { openLog } from '#log'

export const log = openLog('web', loadConfig(process.cwd()).logLevel, () => ({ requestId: requestId() }))
