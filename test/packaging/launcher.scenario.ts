import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { beforeEach, describe, test } from 'node:test'
import type { Reply, Request, SlurmJob, SubmitRequest } from '../../src/launcher/index.ts'
import {
  allowInSudo,
  answerWith,
  as,
  homeOf,
  launcher,
  prepareMachine,
  run,
  shell,
  sudo,
} from './launcher.machine.ts'

const cluster = '0123456789abcdef0123456789abcdef'
const template = '{home}/.dask-gateway/'
const staging = { root: template, cluster }
const home = homeOf('alice')
const parent = `${home}/.dask-gateway`
const directory = `${parent}/${cluster}`
const secret = 'c0ffee-secret'

const job: SlurmJob = {
  name: 'dg-instance-attempt',
  script: `#!/bin/bash\n# TOKEN\necho ${secret}\n`,
  log: 'scheduler.log',
  queue: 'batch',
  cores: 2,
  memoryBytes: 2 ** 31,
}
const submit: SubmitRequest = {
  verb: 'submit',
  manager: 'slurm',
  staging,
  files: { 'dask.pem': secret },
  jobs: [job],
}

type Answer = Record<string, unknown> & { ok: boolean; code?: string; error?: string }

prepareMachine()
// The guide's entry, word for word but for the path's being that of its other sections already.
const guide = `Cmnd_Alias DASK_GATEWAY_JOBQUEUE_LAUNCHER = /opt/dask-gateway/miniconda/bin/dask-gateway-jobqueue-launcher

dask ALL=(%dask_users,!root) NOPASSWD:DASK_GATEWAY_JOBQUEUE_LAUNCHER
`
const shipped = readFileSync(join(import.meta.dirname, '../../deploy/sudoers'), 'utf8')

// Takes the minute of the launcher's patience, so it begins first.
allowInSudo(shipped)
const silent = spawn('runuser', ['-u', 'dask', '--', 'sudo', '-n', '-u', 'alice', launcher])
const silentReply = text(silent.stdout)

beforeEach(() => {
  answerWith('echo 42')
  rmSync(parent, { recursive: true, force: true })
})

describe("sudo's rule", () => {
  for (const [name, text] of Object.entries({ "the guide's": guide, 'the shipped': shipped }))
    test(`${name} lets the gateway act as its users, and not as root`, () => {
      allowInSudo(text)
      for (const user of ['alice', 'bob']) {
        const reply = ask({ verb: 'version' }, user)
        assert.deepEqual([reply.ok, reply.user, reply.home], [true, user, homeOf(user)])
      }
      for (const account of ['root', 'daemon', 'dask'])
        assert.equal(sudo(account, [launcher]).status, 1)
      for (const argv of [['/bin/sh', '-c', 'id'], ['/usr/local/bin/sbatch'], [`${launcher}2`]])
        assert.equal(sudo('alice', argv).status, 1)
    })

  test('the shipped forbids arguments and variables too', () => {
    assert.match(sudo('alice', [launcher, 'x']).stderr, /password is required|not allowed/)
    assert.match(sudo('alice', ['A=b', launcher]).stderr, /not allowed|password is required/)
  })
})

describe('who may not', () => {
  const asked = (argv: string[]) => JSON.parse(run('sh', '-c', `${argv.join(' ')} || true`))
  test('root', () => assert.match(asked([launcher]).error, /never runs as root/))
  test('an account of the system', () =>
    assert.match(asked(['runuser -u daemon --', launcher]).error, /account of the system: uid 1 /))
  test('a uid that nobody has', () =>
    assert.match(
      asked(['setpriv --reuid 4321 --regid 4321 --clear-groups', launcher]).error,
      /no account of uid 4321/,
    ))
  test('whoever gives arguments', () => {
    const ended = as('alice', [launcher, '--help'])
    assert.match(JSON.parse(ended.stdout).error, /takes no arguments/)
  })
})

describe('submit', () => {
  test('keeps everything to the user, and tells the queue nothing but data', () => {
    const reply = ask(submit)
    assert.deepEqual(reply, {
      ok: true,
      directory,
      outcomes: [{ outcome: 'answered', returncode: 0, stdout: '42\n', stderr: '' }],
    })
    assert.equal(modeOf(parent), 0o700)
    assert.equal(modeOf(directory), 0o700)
    assert.equal(modeOf(`${directory}/dask.pem`), 0o600)
    assert.equal(run('stat', '-c', '%U', `${directory}/dask.pem`), 'alice\n')
    assert.equal(told('stdin'), job.script)
    assert.equal(told('pwd'), `${home}\n`)
    assert.deepEqual(told('argv').split('\n').slice(0, 4), [
      ...['/usr/local/bin/sbatch', '--parsable', '--job-name=dg-instance-attempt', '--no-requeue'],
    ])
    assert.ok(told('argv').includes(`--output=${directory}/scheduler.log\n`))
    assert.ok(!(told('argv') + told('env')).includes(secret))
    const names = told('env')
      .split('\n')
      .map((line) => line.split('=')[0])
    assert.deepEqual(
      names.filter((name) => !['PWD', 'OLDPWD', '_', 'SHLVL', ''].includes(name ?? '')).sort(),
      ['HOME', 'LANG', 'LOGNAME', 'PATH', 'USER'],
    )
  })

  test('an array of workers goes to where the scheduler is', () => {
    ask(submit)
    const reply = ask({
      ...submit,
      files: { token: 'x' },
      jobs: [{ ...job, log: 'worker', arraySize: 100 }],
    })
    assert.equal(reply.ok, true)
    assert.ok(told('argv', 1).includes(`--output=${directory}/worker-%a\n`))
    assert.ok(told('argv', 1).includes('--array=0-99\n'))
    assert.ok(existsSync(`${directory}/dask.pem`))
  })

  test('after a refusal nothing is left of it, and what was there stays', () => {
    answerWith('echo "sbatch: error: invalid partition specified: nope" >&2; exit 1')
    const [outcome] = ask(submit).outcomes as [Answer]
    assert.equal(outcome.returncode, 1)
    assert.match(String(outcome.stderr), /invalid partition/)
    assert.ok(!existsSync(directory))
    answerWith('echo 42')
    ask(submit)
    answerWith('exit 1')
    ask({ ...submit, files: { 'dask.pem': 'again', 'token-2': 'x' } })
    assert.deepEqual(shell('alice', `ls ${directory}`), 'dask.pem\n')
  })

  for (const [name, shellText] of Object.entries({
    'that is killed': 'kill -9 $$',
    'that takes too long': 'sleep 1000',
    'whose answer was lost': 'echo "Socket timed out on send/recv operation" >&2; exit 1',
  }))
    test(`of a command ${name}, nothing is known and nothing removed`, () => {
      answerWith(shellText)
      const reply = ask({ ...submit, jobs: [job, job], limitMs: 3000 })
      assert.deepEqual(
        (reply.outcomes as Answer[]).map(({ outcome }) => outcome),
        ['unknown', 'not-tried'],
      )
      assert.ok(existsSync(`${directory}/dask.pem`))
      assert.equal(spawned('sleep 1000'), '')
    })

  test('on PBS, what fits starts, and after a limit the rest is not tried', () => {
    answerWith(
      'if [ "$count" -lt 2 ]; then echo $count.pbs; else echo "qsub: would exceed complex\'s per-user limit" >&2; exit 38; fi',
    )
    const { name, script, log } = job
    const pbsJob = { name, script, log, resources: 'select=1:ncpus=1:mem=1gb', directOutput: true }
    const reply = ask({ ...submit, manager: 'pbs', jobs: Array(5).fill(pbsJob) })
    assert.deepEqual(
      (reply.outcomes as Answer[]).map(({ returncode = null }) => returncode),
      [0, 0, 38, null, null],
    )
    assert.ok(existsSync(directory))
  })

  test('a queue whose output never ends is cut, one that reads nothing is no fault', () => {
    answerWith('exec 0<&-; yes | head -c 10000000; exit 0')
    const [outcome] = ask(submit).outcomes as [Answer]
    assert.equal(String(outcome.stdout).length, 65_536)
  })

  test("a link in a file's place is replaced, not followed", () => {
    ask(submit)
    shell('alice', `echo precious > precious; ln -sf ~alice/precious ${directory}/dask.pem`)
    ask(submit)
    assert.equal(readFileSync(`${home}/precious`, 'utf8'), 'precious\n')
    assert.equal(readFileSync(`${directory}/dask.pem`, 'utf8'), secret)
  })
})

describe('what is no order for a queue', () => {
  const refused: Record<string, Partial<SlurmJob> & Record<string, unknown>> = {
    'a newline': { queue: 'batch\n--wrap=id' },
    NUL: { account: 'a\0b' },
    'an option as a queue': { queue: '--wrap=id' },
    'no script': { script: 'echo' },
    'a directive': { script: '#!/bin/sh\n\n#SBATCH --partition=x\n' },
    'its own option': { extraArguments: ['--wrap=id'] },
    'the beginning of one': { extraArguments: ['--wra=id'] },
    'a short one': { extraArguments: ['-o/etc/x'] },
    'several short ones': { extraArguments: ['-Hpother'] },
    'a file': { extraArguments: ['/home/alice/script'] },
    'a name with a path': { log: '../x' },
    'a job name of options': { name: '--uid=0' },
    'a number that is none': { cores: '2; id' as unknown as number },
    'an endless array': { arraySize: 10 ** 9 },
  }
  for (const [name, change] of Object.entries(refused))
    test(name, () => {
      const reply = ask({ ...submit, jobs: [{ ...job, ...change }] } as Request)
      assert.equal(reply.ok, false)
      assert.ok(['request', 'refused'].includes(reply.code ?? ''), JSON.stringify(reply))
      assert.ok(!existsSync(directory) && !existsSync(`${home}/.told`))
    })

  for (const ids of [['1; id'], ['-u', 'bob'], ['--user=bob'], ['1\n2'], [], [1]])
    test(`ids ${JSON.stringify(ids)}`, () => {
      for (const verb of ['cancel', 'status'])
        assert.equal(ask({ verb, manager: 'pbs', ids } as Request).code, 'request')
    })
})

describe('cancel and status', () => {
  test('many ids in one call, its words and status in the reply', () => {
    answerWith('echo "scancel: error: Kill job error" >&2; exit 210')
    const ids = Array.from({ length: 700 }, (_, index) => `7_${index}`)
    const { results } = ask({ verb: 'cancel', manager: 'slurm', ids }) as Answer & {
      results: { ids: string[]; returncode: number }[]
    }
    assert.deepEqual(
      results.flatMap((result) => result.ids),
      ids,
    )
    assert.deepEqual(
      results.map(({ returncode }) => returncode),
      [210, 210],
    )
  })

  test("only the user's own jobs are asked for", () => {
    answerWith('echo line')
    const reply = ask({ verb: 'status', manager: 'slurm' })
    assert.equal(reply.stdout, 'line\n')
    assert.ok(told('argv').includes('--user=alice\n'))
  })
})

describe('what it runs', () => {
  const wanted = (path: string) => ask({ ...submit, commands: { submit: path } })
  test('nothing with another name', () => {
    for (const path of [
      '/bin/sh',
      '/usr/bin/env',
      '/usr/local/bin/squeue',
      'sbatch',
      '/usr/local/bin/../bin/sbatch',
    ])
      assert.equal(wanted(path).code, 'refused')
  })

  test('nothing that others than root can change', () => {
    shell(
      'alice',
      'mkdir -p bin; cp /bin/true bin/sbatch; mkdir -p link; ln -sf /usr/local/bin/sbatch link/sbatch',
    )
    mkdirSync('/opt/open', { recursive: true })
    run(
      'sh',
      '-c',
      'cp /bin/true /opt/open/sbatch; chmod 0777 /opt/open; mkdir -p /opt/shut; ln -sfn /opt/open/sbatch /opt/shut/sbatch',
    )
    // ".." after a link is where the link leads: /opt/open, not /opt/fine.
    run(
      'sh',
      '-ec',
      'mkdir -p /opt/open/in /opt/fine/via; cp /bin/true /opt/fine/sbatch; ln -sfn /opt/open/in /opt/fine/turn; ln -sfn ../turn/../sbatch /opt/fine/via/sbatch',
    )
    run('sh', '-c', `chmod 0711 ${home}`)
    for (const path of [
      '/opt/fine/via/sbatch',
      `${home}/bin/sbatch`,
      `${home}/link/sbatch`,
      '/opt/open/sbatch',
      '/opt/shut/sbatch',
      '/opt/none/sbatch',
    ])
      assert.equal(wanted(path).code, 'command', path)
    assert.ok(!existsSync(directory))
    run('chmod', '0700', home)
  })
})

describe('staging', () => {
  test("is the user's, whatever the request says", () => {
    for (const root of [
      'relative',
      '/tmp/../etc',
      `${home}/./x`,
      `${home}//x`,
      '{user}/x',
      '/a\nb',
      '/',
    ])
      for (const verb of ['submit', 'clean', 'log', 'claim'] as const)
        assert.equal(askAt({ root, cluster }, verb).ok, false, `${verb} ${root}`)
    for (const name of ['..', '.', 'x', `${cluster}/..`, '.ssh', 'conf.d', cluster.toUpperCase()])
      assert.equal(askAt({ root: template, cluster: name }, 'submit').code, 'request')
  })

  test('in a directory of somebody else', () => {
    for (const root of [homeOf('bob'), `${homeOf('bob')}/x`, '/root', '/etc'])
      for (const verb of ['submit', 'claim'] as const)
        assert.equal(askAt({ root, cluster }, verb).code, 'staging', `${verb} ${root}`)
  })

  test('in a directory that others can write to', () => {
    shell('alice', 'mkdir -p shared; chmod 0777 shared')
    assert.match(askAt({ root: '{home}/shared', cluster }, 'submit').error ?? '', /chmod go-w/)
    assert.equal(askAt({ root: '{home}/shared/deeper', cluster }, 'submit').code, 'staging')
  })

  test('in a sticky one, where another has made it first', () => {
    run('sh', '-c', 'mkdir -p /opt/scratch && chmod 1777 /opt/scratch')
    assert.equal(askAt({ root: '/opt/scratch', cluster }, 'submit').ok, true)
    assert.equal(askAt({ root: '/opt/scratch', cluster }, 'clean').removed, true)
    shell('bob', `mkdir -m 0777 /opt/scratch/${cluster}`)
    for (const verb of ['submit', 'claim', 'clean', 'log'] as const)
      assert.equal(askAt({ root: '/opt/scratch', cluster }, verb).code, 'staging', verb)
    run('rm', '-r', `/opt/scratch/${cluster}`)
  })

  test('through links of a user', () => {
    shell('alice', 'mkdir -p elsewhere; ln -s elsewhere away')
    for (const root of ['{home}/away', '{home}/away/deeper'])
      assert.equal(askAt({ root, cluster }, 'submit').code, 'staging')
    shell('alice', `mkdir -p -m 0700 .dask-gateway; ln -s ../elsewhere .dask-gateway/${cluster}`)
    for (const verb of ['submit', 'claim', 'clean', 'log'] as const)
      assert.equal(askAt(staging, verb).code, 'staging', verb)
    assert.equal(shell('alice', 'ls -A elsewhere'), '')
  })

  test('through links of root, as homes on another disk have them', () => {
    run('ln', '-sfn', '/opt/homes', '/opt/users')
    assert.equal(askAt({ root: '/opt/users/alice/.dask-gateway', cluster }, 'submit').ok, true)
    assert.ok(existsSync(directory))
  })

  test('that is open to others, or a file', () => {
    ask(submit)
    run('chmod', '0750', directory)
    assert.match(ask(submit).error ?? '', /open to others/)
    shell('alice', `rm -r ${directory}; touch ${directory}`)
    assert.equal(ask(submit).code, 'staging')
  })

  test('in a home that cannot be written', () => {
    run('chmod', '0500', home)
    try {
      for (const verb of ['submit', 'claim'] as const)
        assert.match(askAt(staging, verb).error ?? '', /\.dask-gateway cannot be made: EACCES/)
      const reply = ask({ verb: 'version', stagingRoot: template })
      assert.equal((reply.stagingRoot as { usable: boolean }).usable, false)
    } finally {
      run('chmod', '0700', home)
    }
    const reply = ask({ verb: 'version', stagingRoot: template, manager: 'slurm' })
    assert.deepEqual(reply.stagingRoot, { usable: true, path: parent })
  })
})

describe('clean', () => {
  test('removes all of it, follows no link, and minds no depth and no closed directory', () => {
    ask(submit)
    shell('alice', 'mkdir -p treasure; echo 1 > treasure/file')
    shell(
      'alice',
      `cd ${directory}; ln -s ~alice/treasure link; mkdir -p a/b/c; ln -s ~alice/treasure a/b/c/l; touch a/b/f; chmod 0 a/b`,
    )
    shell(
      'alice',
      `cd ${directory}; i=0; while [ $i -lt 1500 ]; do mkdir -p deeper && cd -P deeper; i=$((i+1)); done`,
    )
    assert.deepEqual(askAt(staging, 'clean'), { ok: true, removed: true })
    assert.deepEqual(askAt(staging, 'clean'), { ok: true, removed: false })
    assert.ok(existsSync(`${home}/treasure/file`))
    assert.equal(shell('alice', 'ls -A .dask-gateway'), '')
  })

  test('removes one that its owner has opened to others, which a claim closes again', () => {
    ask(submit)
    run('chmod', '0777', directory)
    assert.equal(askAt(staging, 'claim').ok, true)
    assert.equal(modeOf(directory), 0o700)
    run('chmod', '0777', directory)
    assert.deepEqual(askAt(staging, 'clean'), { ok: true, removed: true })
  })

  test('not what no submit has made', () => {
    shell(
      'alice',
      `mkdir -p -m 0700 .dask-gateway/${cluster}; touch .dask-gateway/${cluster}/thesis`,
    )
    assert.match(askAt(staging, 'clean').error ?? '', /not made by the launcher/)
    shell('alice', `ln -s thesis .dask-gateway/${cluster}/.dask-gateway-staging`)
    assert.equal(askAt(staging, 'clean').code, 'staging')
    assert.ok(existsSync(`${directory}/thesis`))
  })

  test('not what somebody puts in the place of what is being removed', () => {
    shell(
      'alice',
      'rm -rf treasure; mkdir treasure; for i in $(seq 200); do touch treasure/$i; done',
    )
    const race = `
      (set +e; while :; do mv -T ${directory}/a ${directory}/b; ln -sfn ~alice/treasure ${directory}/a; rm ${directory}/a; mv -T ${directory}/b ${directory}/a; done) 2>/dev/null &
      racer=$!
      for i in 1 2 3 4 5; do
        echo '${JSON.stringify({ verb: 'clean', staging })}' | ${launcher} || true
        echo '${JSON.stringify({ verb: 'claim', staging, attempts: ['x'] })}' | ${launcher} || true
        mkdir -p ${directory}/a && touch ${directory}/a/1 || true
      done > /dev/null 2>&1
      kill $racer; wait 2>/dev/null || true`
    ask(submit)
    shell('alice', race)
    assert.equal(shell('alice', 'ls treasure | wc -l').trim(), '200')
  })
})

describe('log', () => {
  const logsOf = (files: readonly string[], maxBytes = 100) => {
    const reply = ask({ verb: 'log', staging, files, maxBytes })
    return reply as Answer & { readonly logs: readonly { [member: string]: unknown }[] }
  }
  const none = { found: false }
  test('the end of a file, and nothing but a file', () => {
    assert.deepEqual(logsOf(['scheduler.log', 'b']), { ok: true, logs: [none, none] })
    ask(submit)
    shell(
      'alice',
      `cd ${directory}; seq 1000 > scheduler.log; ln -s /etc/passwd link; mkfifo pipe; mkdir folder`,
    )
    const names = ['link', 'scheduler.log', 'pipe', 'folder', 'none']
    const [link, log, ...rest] = logsOf(names, 9).logs
    assert.equal(Buffer.from(String(log?.base64), 'base64').toString(), '999\n1000\n')
    assert.equal(log?.sizeBytes, 3893)
    assert.deepEqual([link, ...rest], [none, none, none, none])
    for (const file of ['../scheduler.log', '/etc/passwd', '..', '.dask-gateway-staging', 'a/b'])
      assert.equal(logsOf(['scheduler.log', file]).code, 'request')
    assert.equal(logsOf([]).code, 'request')
  })

  test('of many files as many as fit', () => {
    ask(submit)
    shell(
      'alice',
      `cd ${directory}; for i in 1 2 3; do head -c 7000000 /dev/zero >$i; done; echo 4 >4`,
    )
    const lengths = (files: readonly string[], maxBytes: number) =>
      logsOf(files, maxBytes).logs.map(({ base64 }) => Buffer.from(String(base64), 'base64').length)
    assert.deepEqual(lengths(['1', '2', '3', '4'], 16 << 20), [7_000_000, 7_000_000])
    assert.deepEqual(lengths(['3', '4'], 16 << 20), [7_000_000, 2])
    assert.deepEqual(lengths(['1', '2', '3', '4'], 1000), [1000, 1000, 1000, 2])
  })
})

describe('claim', () => {
  test('is made once, by the launcher or by the job, also where nothing was', () => {
    const claimed = (attempts: string[]) => ask({ verb: 'claim', staging, attempts }).claims
    assert.deepEqual(claimed(['one']), { one: 'made' })
    shell('alice', `mkdir ${directory}/claim-job`)
    assert.deepEqual(claimed(['one', 'job', 'two']), { one: 'exists', job: 'exists', two: 'made' })
    assert.equal(ask(submit).ok, true)
  })
})

describe('what is no request', () => {
  const texts: Record<string, string | Buffer> = {
    nothing: '',
    'half of one': '{"verb":',
    null: 'null',
    'a list': '[]',
    'an unknown verb': '{"verb":"exec","cmd":["id"]}',
    'a name of Object': '{"verb":"constructor"}',
    'a prototype': '{"verb":"__proto__"}',
    "the old server's": '{"action":"start","cmd":["/bin/sh","-c","id"],"env":{},"stdin":null}',
    deep: '['.repeat(2_000_000),
    'deep in a field': `{"verb":"submit","manager":"slurm","staging":${'{"root":'.repeat(200_000)}`,
    garbage: Buffer.from(Array.from({ length: 4096 }, (_, index) => (index * 131) % 256)),
    huge: `{"verb":"version","x":"${'x'.repeat(65 * 1024 * 1024)}"}`,
  }
  for (const [name, text] of Object.entries(texts))
    test(name, () => {
      const reply = JSON.parse(sudo('alice', [launcher], text).stdout) as Answer
      assert.deepEqual(
        [reply.ok, reply.code],
        [false, 'request'],
        JSON.stringify(reply).slice(0, 300),
      )
    })
})

describe('launcher.json', () => {
  const path = '/etc/dask-gateway/launcher.json'
  const limit = (limits: object | string) => {
    rmSync('/etc/dask-gateway', { recursive: true, force: true })
    mkdirSync('/etc/dask-gateway')
    writeFileSync(path, typeof limits === 'string' ? limits : JSON.stringify(limits), {
      mode: 0o644,
    })
  }

  test('limits commands, queues, extra arguments and staging', () => {
    limit({
      commands: { sbatch: '/opt/site/bin/sbatch' },
      environment: { SLURM_CONF: '/opt/site/slurm.conf' },
      queues: ['batch'],
      extra_arguments: ['--exclusive', '--gpus-per-node=*'],
      staging_roots: ['{home}/.dask-gateway'],
    })
    run(
      'sh',
      '-c',
      'mkdir -p /opt/site/bin; cp /usr/local/bin/sbatch /opt/site/bin; chown -R bob /opt/site',
    )
    const withJob = (change: Partial<SlurmJob>) => ask({ ...submit, jobs: [{ ...job, ...change }] })
    assert.equal(withJob({ extraArguments: ['--exclusive', '--gpus-per-node=2'] }).ok, true)
    assert.match(told('env'), /^SLURM_CONF=\/opt\/site\/slurm.conf$/m)
    assert.match(told('argv'), /^\/opt\/site\/bin\/sbatch\n--exclusive\n--gpus-per-node=2\n/)
    for (const change of [
      { queue: 'other' },
      { queue: '' },
      { queue: 'batch,other' },
      { extraArguments: ['--nice'] },
    ])
      assert.equal(withJob(change).code, 'refused', JSON.stringify(change))
    assert.equal(ask({ ...submit, commands: { submit: '/usr/local/bin/sbatch' } }).code, 'refused')
    assert.equal(ask({ verb: 'status', manager: 'slurm' }).code, 'refused')
    for (const verb of ['submit', 'claim', 'clean', 'log'] as const)
      assert.equal(askAt({ root: '{home}/x', cluster }, verb).code, 'refused')
    assert.equal(ask({ verb: 'version' }).limited, true)
  })

  const unsafe: Record<string, string> = {
    'of another than root': `chown bob ${path}`,
    'writable by a group': `chmod 0664 ${path}`,
    'in a directory of another': 'chown dask /etc/dask-gateway',
    'in a directory that others can write to': 'chmod 0777 /etc/dask-gateway',
    'that cannot be read': `chmod 0600 ${path}`,
    'that cannot be looked for': 'chmod 0700 /etc/dask-gateway',
    'that is a link': `mv ${path} ${path}2; ln -s ${path}2 ${path}`,
    'that is a directory': `rm ${path}; mkdir ${path}`,
    'that is no JSON': `echo '{' > ${path}`,
    'with an unknown key': `echo '{"command":{}}' > ${path}`,
    'with a wrong value': `echo '{"queues":"batch"}' > ${path}`,
    'with an unknown command': `echo '{"commands":{"sh":"/bin/sh"}}' > ${path}`,
  }
  for (const [name, change] of Object.entries(unsafe))
    test(`${name} ends every call`, () => {
      limit({})
      run('sh', '-c', change)
      const reply = ask(submit)
      assert.equal(reply.code, 'refused', JSON.stringify(reply))
      assert.match(reply.error ?? '', /launcher\.json/)
      assert.ok(!existsSync(directory))
    })
})

test('who never closes the standard input is told so, and the launcher ends', {
  timeout: 90_000,
}, async () => {
  const reply = JSON.parse(await silentReply) as Answer
  assert.deepEqual([reply.ok, reply.code], [false, 'request'])
  assert.match(reply.error ?? '', /close the standard input/)
  if (silent.exitCode === null && silent.signalCode === null) await once(silent, 'exit')
})

function ask(request: Request, user = 'alice'): Answer {
  const ended = sudo(user, [launcher], JSON.stringify(request))
  const reply = JSON.parse(ended.stdout || 'null') as Reply | null
  assert.ok(reply !== null, `no reply, ${ended.signal ?? ended.status}: ${ended.stderr}`)
  assert.equal(ended.status, reply.ok ? 0 : 1)
  return reply as unknown as Answer
}

function askAt(at: { root: string; cluster: string }, verb: 'submit' | 'clean' | 'log' | 'claim') {
  const more = { clean: {}, claim: { attempts: ['x'] }, log: { files: ['x'], maxBytes: 9 }, submit }
  return ask({ ...more[verb], verb, staging: at } as Request)
}

/** What the queue's command was told in its call of that number. */
function told(what: 'argv' | 'env' | 'stdin' | 'pwd', call = 0): string {
  return readFileSync(`${home}/.told/${call}/${what}`, 'utf8')
}

function modeOf(path: string): number {
  return statSync(path).mode & 0o7777
}

/** Processes of alice with these words. */
function spawned(words: string): string {
  return run('sh', '-c', `pgrep -u alice -f '${words}' || true`)
}
