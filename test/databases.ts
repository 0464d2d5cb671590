// Databases on the tests' own server, for whichever runner.
import pg from 'pg'

/** @param server any database of it @param template whose copy it is; `template0` has no table */
export async function createDatabase(server: URL, template: string) {
  const name = `test_${crypto.randomUUID().replaceAll('-', '')}`
  await asAdmin(server, `create database ${name} template ${template}`)
  const url = new URL(server)
  url.pathname = `/${name}`
  return { url: url.href, stop: () => asAdmin(server, `drop database ${name} with (force)`) }
}

async function asAdmin(server: URL, statement: string): Promise<void> {
  const admin = new URL(server)
  admin.pathname = '/postgres'
  const client = new pg.Client({ connectionString: admin.href })
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}
