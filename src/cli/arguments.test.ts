import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseArguments } from './arguments.ts'

test('without arguments the gateway serves with the default file', () => {
  const { command, configFile, settings } = parseArguments([])
  assert.deepEqual(
    { command, configFile, settings },
    { command: 'serve', configFile: null, settings: [] },
  )
})

test('files, levels and settings in each form', () => {
  const read = parseArguments([
    '-f',
    'a.py',
    '--log-level=DEBUG',
    '--Proxy.address=:9000',
    '--Proxy.prefix',
    '/x=y',
  ])
  assert.equal(read.configFile, 'a.py')
  assert.deepEqual(read.settings, [
    '--DaskGateway.log_level=DEBUG',
    '--Proxy.address=:9000',
    '--Proxy.prefix=/x=y',
  ])
  assert.equal(parseArguments(['--config=b.json']).configFile, 'b.json')
  assert.equal(parseArguments(['generate-config', '--output', 'x.py', '--force']).force, true)
  assert.deepEqual(parseArguments(['proxy', '--debug']).settings, ['--Proxy.log_level=DEBUG'])
})

test('what is not known is named, with the nearest', () => {
  assert.throws(
    () => parseArguments(['generate-conf']),
    /Unknown command "generate-conf"; did you mean generate-config/,
  )
  assert.throws(
    () => parseArguments(['--versoin']),
    /Unknown option "--versoin"; did you mean --version/,
  )
  assert.throws(() => parseArguments(['-f']), /-f needs a value/)
})
