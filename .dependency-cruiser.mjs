// The layers, from the ground up: a folder may import only what stands before it in this list
// (docs/architecture.md). Everything else is an upward arrow, and fails.
const layers = [
  'src/errors.ts',
  'src/internal',
  'src/cookies',
  'src/verdict',
  'src/stores',
  'src/transport',
  'src/session',
  'src/pool',
  'src/index.ts',
  'src/cli',
];

const upward = layers.slice(0, -1).map((layer, position) => ({
  name: `no-upward-arrow-from-${layer.replace(/^src\//, '')}`,
  severity: 'error',
  from: { path: `^${layer}` },
  to: { path: layers.slice(position + 1).map((higher) => `^${higher}`) },
}));

// One backend never imports another: each can be read, tested and deleted alone.
const backends = ['memory', 'sqlite'].map((backend) => ({
  name: `store-${backend}-stands-alone`,
  severity: 'error',
  from: { path: `^src/stores/${backend}/` },
  to: { path: '^src/stores/[^/]+/', pathNot: `^src/stores/${backend}/` },
}));

export default {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    { name: 'no-unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
    ...upward,
    ...backends,
    {
      name: 'only-cli-imports-index',
      severity: 'error',
      from: { path: '^src/(?!cli/)' },
      to: { path: '^src/index\\.ts$' },
    },
    {
      name: 'nobody-imports-testing',
      severity: 'error',
      from: { path: '^src/(?!testing/)' },
      to: { path: '^src/testing/' },
    },
    {
      name: 'src-does-not-import-the-playground',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(playground|test|bench)/' },
    },
  ],
  options: {
    parser: 'swc',
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default'] },
  },
};
