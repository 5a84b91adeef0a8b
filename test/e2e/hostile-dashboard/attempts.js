// Runs in the hostile page. Each attempt leaves in `window.tries` what it got, or why it got nothing. What asks the
// stub's API carries the attempt's name in the query, so that the stub can tell whether the visitor's cookie went along.
// `given` is written before this text: `{ other, waitMs }`, the name of another cluster and how long an attempt may
// take to get something.
void (async () => {
  const tries = {}
  window.tries = tries
  const here = document.URL
  const api = `${here.replace(/\/pre\/.*/, '')}/pre/api/v1/clusters/`
  const clusters = '/pre/clusters/'
  const other = clusters + given.other
  const pass = /\/~[^/]+/.exec(here)?.[0] ?? '/~none'
  const socketBase = here.replace(/^http/, 'ws').replace(/\/pre\/.*/, '')
  const home = document.body ?? document.documentElement
  const { waitMs } = given

  const add = (tag, attributes) => {
    const element = document.createElementNS('http://www.w3.org/1999/xhtml', tag)
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value)
    home.appendChild(element)
    return element
  }
  const event = (target, ...types) =>
    new Promise((resolve) => {
      for (const type of types) target.addEventListener(type, () => resolve(type))
      setTimeout(() => resolve('nothing'), waitMs)
    })
  const included = (path, more = {}) => fetch(path, { credentials: 'include', ...more })
  const textOf = async (path, more) => (await included(path, more)).text()
  const attempt = async (way, action) => {
    try {
      const late = new Promise((resolve) => setTimeout(resolve, 2 * waitMs, 'nothing'))
      tries[way] = String(await Promise.race([action(way), late]))
    } catch (error) {
      tries[way] = `no: ${error.name}`
    }
  }

  /** The text of a window that may be another origin's, as soon as there is one. */
  const read = async (target, isThere = (text) => text !== '') => {
    const end = Date.now() + waitMs
    let last = 'nothing'
    let refusals = 0
    while (Date.now() < end && refusals < 6) {
      await new Promise((resolve) => setTimeout(resolve, 50))
      try {
        const text = target().document.documentElement?.textContent ?? ''
        last = `${text} at ${target().location.href}`
        if (isThere(text)) return last
      } catch (error) {
        last = `no: ${error.name}`
        refusals += 1
      }
    }
    return last
  }
  const frameText = (attributes, fill) => {
    const frame = add('iframe', { name: `f${Math.random()}`, ...attributes })
    fill?.(frame.name)
    return read(
      () => frame.contentWindow,
      (text) => /secret|log in/.test(text),
    )
  }
  const form = (target, method, action) => {
    const element = add('form', { target, method, action })
    element.appendChild(add('input', { name: 'way', value: action }))
    element.submit()
  }
  const popupText = async (address, isThere) => {
    const popup = window.open(address)
    if (!popup) return 'no window'
    const text = await read(() => popup, isThere)
    popup.close()
    return text
  }

  /** What a document made by the page tries in its turn, told to the page that made it. */
  const child = (way) => `(async () => {
    const results = []
    const attempt = async (action) => {
      try { results.push(await action()) } catch (error) { results.push('no: ' + error.name) }
    }
    await attempt(async () => (await fetch('${api}?${way}', { credentials: 'include' })).text())
    await attempt(() => { document.cookie = 'planted=1; Path=/'; return document.cookie })
    await attempt(() => { localStorage.child = 'planted'; return localStorage.child })
    const maker = opener ?? parent
    maker.postMessage({ way: '${way}', text: results.join() }, '*')
  })()`
  const script = (way) => `<script>${child(way)}</${'script'}>`
  const told = (way) =>
    new Promise((resolve) => {
      addEventListener('message', ({ data }) => data.way === way && resolve(data.text))
      setTimeout(() => resolve('nothing'), waitMs)
    })
  const childFrame = (way, attributes) => {
    const answer = told(way)
    add('iframe', attributes)
    return answer
  }
  const childPopup = async (way, address, act) => {
    const answer = told(way)
    const popup = window.open(address)
    act?.(popup)
    const text = await answer
    popup?.close()
    return text
  }
  const blob = (text, type) => URL.createObjectURL(new Blob([text], { type }))
  const webSocket = (path) =>
    new Promise((resolve) => {
      const socket = new WebSocket(socketBase + path)
      socket.onopen = () => resolve('open')
      socket.onerror = () => resolve('refused')
    })
  const fromWorker = (worker) =>
    new Promise((resolve, reject) => {
      const port = worker.port ?? worker
      port.onmessage = ({ data }) => resolve(data)
      worker.onerror = () => reject(new Error('refused'))
      setTimeout(() => resolve('nothing'), waitMs)
    })

  const requests = {
    fetch: (way) => textOf(`${api}?${way}`),
    noCors: (way) => textOf(`${api}?${way}`, { mode: 'no-cors' }),
    post: (way) => textOf(`${api}?${way}`, { method: 'POST', body: '{}', mode: 'no-cors' }),
    put: (way) => textOf(`${api}?${way}`, { method: 'PUT', body: '{}' }),
    delete: (way) => textOf(`${api}x?${way}`, { method: 'DELETE' }),
    // Browsers let a sandboxed page change the path that its address shows.
    referer: (way) => {
      history.replaceState(null, '', '/pre/login')
      const text = textOf(`${api}?${way}`, { referrerPolicy: 'unsafe-url' })
      history.replaceState(null, '', here)
      return text
    },
    logout: (way) => textOf(`/pre/logout?${way}`, { method: 'POST', mode: 'no-cors' }),
    xhr: (way) =>
      new Promise((resolve, reject) => {
        const request = new XMLHttpRequest()
        request.withCredentials = true
        request.onload = () => resolve(request.responseText)
        request.onerror = () => reject(new Error('refused'))
        request.open('GET', `${api}?${way}`)
        request.send()
      }),
    beacon: (way) => navigator.sendBeacon(`${api}?${way}`, 'x'),
    eventSource: (way) =>
      event(new EventSource(`${api}?${way}`, { withCredentials: true }), 'message', 'error'),
    script: (way) => event(add('script', { src: `${api}?${way}` }), 'load', 'error'),
    style: (way) =>
      event(add('link', { rel: 'stylesheet', href: `${api}?${way}` }), 'load', 'error'),
    image: (way) => event(add('img', { src: `${api}?${way}` }), 'load', 'error'),
    video: (way) => event(add('video', { src: `${api}?${way}` }), 'loadeddata', 'error'),
    iframe: (way) => frameText({ src: `${api}?${way}` }),
    object: (way) => {
      const element = add('object', { data: `${api}?${way}`, type: 'text/html' })
      return read(() => element.contentWindow)
    },
    embed: (way) => {
      const element = add('embed', { src: `${api}?${way}`, type: 'text/html' })
      return read(() => element.getSVGDocument().defaultView)
    },
    formGet: (way) => frameText({}, (name) => form(name, 'get', `${api}${way}`)),
    formPost: (way) => frameText({}, (name) => form(name, 'post', `${api}?${way}`)),
    formLogin: (way) => frameText({}, (name) => form(name, 'post', `/pre/login?${way}`)),
    formLogout: (way) => frameText({}, (name) => form(name, 'post', `/pre/logout?${way}`)),
    formPostTop: (way) => form('_blank', 'post', `${api}?${way}`),
    formLoginTop: (way) => form('_blank', 'post', `/pre/login?${way}`),
    formLogoutTop: (way) => form('_blank', 'post', `/pre/logout?${way}`),
    download: (way) =>
      add('a', { href: `${api}?${way}`, download: 'stolen', target: '_blank' }).click(),
    webSocket: (way) => webSocket(`/pre/api/v1/clusters/?${way}`),
  }
  const documents = {
    srcdoc: (way) => childFrame(way, { srcdoc: script(way) }),
    javascript: (way) => childFrame(way, { src: `javascript:${encodeURIComponent(child(way))}` }),
    data: (way) => childFrame(way, { src: `data:text/html,${encodeURIComponent(script(way))}` }),
    blob: (way) => childFrame(way, { src: blob(script(way), 'text/html') }),
    blobPopup: (way) => childPopup(way, blob(script(way), 'text/html')),
    blankPopup: (way) => childPopup(way, 'about:blank', (popup) => popup.eval(child(way))),
    javascriptPopup: (way) => childPopup(way, `javascript:${encodeURIComponent(child(way))}`),
    base: (way) => {
      const answer = told(way)
      const use = child(way).replace(api, 'api/v1/clusters/')
      add('iframe', {
        srcdoc: `<base href="${api.replace(/api.*/, '')}"><script>${use}</${'script'}>`,
      })
      return answer
    },
    refresh: (way) =>
      frameText({ srcdoc: `<meta http-equiv="refresh" content="0;url=${api}?${way}">` }),
    worker: (way) =>
      fromWorker(
        new Worker(
          blob(
            `fetch('${api}?${way}', { credentials: 'include' }).then((answer) => answer.text())
              .then(postMessage, (error) => postMessage('no: ' + error.name))`,
            'text/javascript',
          ),
        ),
      ),
    importScripts: (way) =>
      fromWorker(
        new Worker(
          blob(
            `try { importScripts('${api}?${way}'); postMessage('loaded') }
             catch (error) { postMessage('no: ' + error.name) }`,
            'text/javascript',
          ),
        ),
      ),
    sharedWorker: () => fromWorker(new SharedWorker('shared.js')),
    serviceWorker: async () => {
      await navigator.serviceWorker.register('worker.js', { scope: '/' })
      return 'registered'
    },
  }
  const otherClusters = {
    otherFetch: (way) => textOf(`${other}/json?${way}`),
    otherNoCors: (way) => textOf(`${other}/json?${way}`, { mode: 'no-cors' }),
    otherByOwnPass: (way) => textOf(`${other}${pass}/json?${way}`),
    otherByDots: (way) => textOf(`..%2f..%2f${given.other}/json?${way}`),
    otherRedirect: async (way) => {
      const answer = await included(`${other}/status?${way}`, { redirect: 'manual' })
      return `${answer.type} ${answer.headers.get('location')} ${answer.url}`
    },
    otherFrame: (way) => frameText({ src: `${other}/status?as=admin&${way}` }),
    otherPost: (way) => frameText({}, (name) => form(name, 'post', `${other}/status?${way}`)),
    otherPostTop: (way) => form('_blank', 'post', `${other}/status?${way}`),
    otherWebSocket: (way) => webSocket(`${other}/status/ws?${way}`),
    otherWebSocketByOwnPass: (way) => webSocket(`${other}${pass}/status/ws?${way}`),
    otherPopup: (way) =>
      popupText(`${other}/status?as=admin&${way}`, (text) => text.includes('secret')),
    otherPopupScript: async () => {
      const popup = window.open(`${other}/status?as=admin`)
      await read(
        () => popup,
        (text) => text.includes('secret'),
      )
      const answer = told('otherPopupScript')
      const text = `opener.postMessage({ way: 'otherPopupScript', text: location + document.body.textContent }, '*')`
      popup.location = `javascript:${text}`
      const got = await answer
      popup.close()
      return got
    },
    otherRefresh: () => popupText('refresh', (text) => text.includes('secret')),
    otherHistory: async (way) => {
      const popup = window.open(`${other}/status?as=admin`)
      await read(
        () => popup,
        (text) => text.includes('secret'),
      )
      const answer = told(way)
      popup.location = new URL('history', here)
      const got = await answer
      popup.close()
      return got
    },
    namedWindow: async () => {
      const found = window.open('', 'victim')
      const text = found
        ? `${found.location.href} ${found.document.body?.textContent}`
        : 'no window'
      found?.close()
      return text
    },
  }
  const ownState = {
    popup: (way) => popupText(`${api}?${way}`, (text) => text.includes('secret')),
    cookie: () => document.cookie.replace(/dask-gateway/, 'secret'),
    cookieSet: () => {
      // biome-ignore lint/suspicious/noDocumentCookie: the page tries all that there is.
      document.cookie = 'planted=1; Path=/'
      return document.cookie
    },
    cookieStore: async () => {
      await cookieStore.set('planted', '1')
      return JSON.stringify(await cookieStore.getAll())
    },
    localStorage: () => {
      localStorage.x = 'planted'
      return localStorage.x
    },
    sessionStorage: () => {
      sessionStorage.x = 'planted'
      return sessionStorage.x
    },
    indexedDb: async () => `${await event(indexedDB.open('planted'), 'success', 'error')} planted`,
    caches: async () => {
      const cache = await caches.open('planted')
      await cache.put(`${api}?cached`, new Response('planted'))
      return (await cache.match(`${api}?cached`)).text()
    },
    files: async () => {
      const directory = await navigator.storage.getDirectory()
      return (await directory.getFileHandle('planted', { create: true })).name
    },
    referrer: () => `referrer ${document.referrer}`,
    entries: () => JSON.stringify(navigation.entries().map(({ url }) => url)),
    password: async () =>
      (await navigator.credentials.get({ password: true, mediation: 'silent' })) ?? 'none',
  }
  // Those that wait longest first.
  const all = { ...otherClusters, ...documents, ...requests, ...ownState }
  // Not all at once: a browser opens six connections to a host.
  const queue = Object.entries(all)
  const work = async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) await attempt(...next)
  }
  await Promise.all(Array.from({ length: 12 }, work))
  tries.done = 'yes'
})()
