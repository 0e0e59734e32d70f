/** Listeners of typed events. A listener that throws is reported, and stops neither the others nor the work. */
export class Events<Map extends object> {
  readonly #listeners: { [Name in keyof Map]?: ((event: Map[Name]) => void)[] } = {};
  readonly #onListenerError: (error: unknown) => void;

  constructor(onListenerError: (error: unknown) => void) {
    this.#onListenerError = onListenerError;
  }

  /** Adds a listener; the returned function takes it away again. */
  on<Name extends keyof Map>(name: Name, listener: (event: Map[Name]) => void): () => void {
    this.#listeners[name] = [...(this.#listeners[name] ?? []), listener];
    return () => {
      const rest = this.#listeners[name]?.filter((other) => other !== listener);
      if (rest?.length) this.#listeners[name] = rest;
      else delete this.#listeners[name];
    };
  }

  has(name: keyof Map): boolean {
    return this.#listeners[name] !== undefined;
  }

  emit<Name extends keyof Map>(name: Name, event: Map[Name]): void {
    for (const listener of this.#listeners[name] ?? []) {
      try {
        listener(event);
      } catch (error) {
        this.#onListenerError(error);
      }
    }
  }
}
