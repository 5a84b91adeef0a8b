type Call = (...given: readonly unknown[]) => unknown

/** The same object, whose methods of these names are called by what `around` makes of each. */
export function withCalls<T extends object, Name extends keyof T & string>(
  object: T,
  names: readonly Name[],
  around: (name: Name, call: Call) => Call,
): T {
  const methods = names.map((name) => {
    const call = (object[name] as Call).bind(object)
    return [name, around(name, call)] as const
  })
  return withMethods(object, Object.fromEntries(methods))
}

/** The same object with some methods replaced. */
export function withMethods<T extends object>(object: T, methods: object): T {
  return new Proxy(object, {
    get(target, name) {
      if (Object.hasOwn(methods, name)) return Reflect.get(methods, name)
      const value: unknown = Reflect.get(target, name)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}
