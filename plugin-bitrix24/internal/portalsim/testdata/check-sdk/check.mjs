// Cross-check of the portal simulator: Bitrix24's own JavaScript client must read from
// it the people it has. Development only; `make check-sdk` runs it.
//
//   node check.mjs <the bitrix24 executable>
//
// The client insists on https; an interceptor of its HTTP library sends the calls to
// the simulator's loopback address instead.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { ApiVersion, B24Hook } from '@bitrix24/b24jssdk'

if (Number(process.versions.node.split('.')[0]) < 20) {
  throw new Error(`Node 20 or newer is needed, this is ${process.version}`)
}

const pageSize = 50
const cases = [
  ['--people', '1234', '--oddities', '0.3'],
  ['--people', '1234', '--ids', 'numbers', '--empty', 'mixed'],
  ['--people', '50'],
  ['--people', '51', '--dialect', 'always-counts'],
  ['--people', '1'],
]

async function simulate (flags) {
  const child = spawn(process.argv[2], ['simulate', '--print-json', '--until-stdin-closes', '--rate-limit', 'off', ...flags], { stdio: ['pipe', 'pipe', 'inherit'] })
  const [line] = await Promise.race([once(createInterface(child.stdout), 'line'), once(child, 'exit').then(() => { throw new Error('the simulator ended') })])
  return { child, ...JSON.parse(line) }
}

// client returns the official client, sent to the simulator.
function client (webhookURL) {
  const real = new URL(webhookURL)
  const hook = B24Hook.fromWebhookUrl(webhookURL.replace('http:', 'https:'))
  hook.getHttpClient(ApiVersion.v2).ajaxClient.interceptors.request.use((config) => {
    for (const key of ['url', 'baseURL']) {
      if (config[key]?.startsWith('https:')) {
        config[key] = config[key].replace(/^https:\/\/[^/]+/, real.origin)
      }
    }
    return config
  })
  return hook
}

const params = { filter: { ACTIVE: true, USER_TYPE: 'employee' }, select: ['ID', 'NAME', 'LAST_NAME', 'EMAIL'] }

async function list (hook) {
  const answer = await hook.actions.v2.callList.make({ method: 'user.get', params })
  if (!answer.isSuccess) throw new Error(answer.getErrorMessages().join('; '))
  return answer.getData()
}

async function fetchList (hook) {
  const people = []
  for await (const page of hook.actions.v2.fetchList.make({ method: 'user.get', params })) people.push(...page)
  return people
}

// batch runs calls, 50 at most, and returns their results in order.
async function batch (hook, calls) {
  const answer = await hook.actions.v2.batch.make({ calls, options: { isHaltOnError: true, returnAjaxResult: true } })
  if (!answer.isSuccess) throw new Error(answer.getErrorMessages().join('; '))
  return answer.getData()
}

async function batchOfOffsets (hook, expected) {
  const calls = []
  for (let start = 0; start === 0 || start < expected; start += pageSize) {
    calls.push(['user.get', { ...params, sort: 'ID', order: 'ASC', start }])
  }
  const pages = await batch(hook, calls)
  for (const page of pages) {
    if (page.getTotal() !== expected) throw new Error(`total is ${page.getTotal()}, not ${expected}`)
  }
  return pages.flatMap(page => page.getData().result)
}

async function batchOfKeys (hook, expected) {
  const calls = {}
  for (let i = 0; i === 0 || i * pageSize < expected; i++) {
    const from = i === 0 ? 0 : `$result[p${i - 1}][${pageSize - 1}][ID]`
    calls[`p${i}`] = ['user.get', { ...params, sort: 'ID', order: 'ASC', start: -1, filter: { ...params.filter, '>ID': from } }]
  }
  const pages = await batch(hook, calls)
  return Object.values(pages).flatMap(page => page.getData().result)
}

// key is what must be the same on both sides; a field the simulator was told to spoil
// counts as it was spoilt.
const texts = value => typeof value === 'string' ? value : ''
const key = person => [String(person.ID), texts(person.NAME), texts(person.LAST_NAME), texts(person.EMAIL)].join('|')

function compare (name, got, wanted) {
  const have = got.map(key)
  const want = wanted.map(p => key({ ID: p.id, NAME: p.name, LAST_NAME: p.last_name, EMAIL: p.email }))
  if (have.length !== want.length || have.some((one, i) => one !== want[i])) {
    const at = want.findIndex((one, i) => one !== have[i])
    throw new Error(`${name}: ${have.length} people instead of ${want.length}; the first difference is at ${at}: ${have[at]} instead of ${want[at]}`)
  }
}

async function check (flags) {
  const portal = await simulate(flags)
  try {
    const everybody = await (await fetch(`${portal.control_url}/people`)).json()
    const wanted = everybody.filter(p => p.active && (p.user_type ?? 'employee') === 'employee')
    for (const [name, read] of Object.entries({ list, fetchList, batchOfOffsets, batchOfKeys })) {
      await fetch(`${portal.control_url}/stats`, { method: 'DELETE' })
      const started = performance.now()
      compare(name, await read(client(portal.webhook_url), wanted.length), wanted)
      const stats = await (await fetch(`${portal.control_url}/stats`)).json()
      console.log(`ok  ${flags.join(' ')}: ${name}, ${wanted.length} people, ${stats.requests} requests, ${Math.round(performance.now() - started)} ms`)
    }
  } finally {
    portal.child.stdin.end()
    await once(portal.child, 'exit')
  }
}

for (const flags of cases) await check(flags)

// The check itself must notice a short list.
const noticed = await check(['--people', '300', '--fault', 'short_page,request=2']).then(() => false, () => true)
if (!noticed) throw new Error('a short page was not noticed: this check proves nothing')
console.log('ok  a short page is noticed')
