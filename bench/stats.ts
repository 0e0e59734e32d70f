/** What several rounds of one measurement came to. */
export interface Summary {
  readonly samples: number;
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export function summary(samples: readonly number[]): Summary {
  if (samples.length === 0) throw new Error('no samples to sum up');
  const sorted = [...samples].sort((a, b) => a - b);
  return {
    samples: sorted.length,
    median: quantile(sorted, 0.5),
    min: sorted[0]!,
    max: sorted.at(-1)!,
  };
}

export function median(samples: readonly number[]): number {
  return summary(samples).median;
}

/** Of values sorted upward; between two of them in proportion. */
export function quantile(sorted: ArrayLike<number>, q: number): number {
  const at = (sorted.length - 1) * q;
  const low = sorted[Math.floor(at)]!;
  const high = sorted[Math.ceil(at)]!;
  return low + (high - low) * (at - Math.floor(at));
}

/** Durations of single calls, in milliseconds. */
export interface Latency {
  readonly calls: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

export function latency(durations: readonly number[]): Latency {
  const sorted = Float64Array.from(durations).sort();
  if (sorted.length === 0) throw new Error('no calls were timed');
  return {
    calls: sorted.length,
    p50: quantile(sorted, 0.5),
    p99: quantile(sorted, 0.99),
    max: sorted.at(-1)!,
  };
}

/** Three significant digits, thousands apart: `1.08`, `12.3`, `40 200`. */
export function digits(value: number): string {
  if (!Number.isFinite(value)) return '—';
  const size = Math.abs(value);
  if (size >= 10_000) return thousands(Math.round(value / 100) * 100);
  if (size >= 1_000) return thousands(Math.round(value / 10) * 10);
  if (size >= 100) return value.toFixed(0);
  if (size >= 10) return value.toFixed(1);
  return size >= 0.1 || size === 0 ? value.toFixed(2) : value.toFixed(3);
}

/** With a space between the thousands. */
export function thousands(value: number): string {
  return Math.round(value)
    .toString()
    .replace(/\B(?=(\d{3})+$)/g, ' ');
}

/** `1.08 (1.02–1.31)`: the median, and between which values the rounds lay. */
export function spread({ median: middle, min, max, samples }: Summary): string {
  return samples === 1 || !Number.isFinite(middle)
    ? digits(middle)
    : `${digits(middle)} (${digits(min)}–${digits(max)})`;
}

export function times(ratio: number): string {
  return `${digits(ratio)}×`;
}
