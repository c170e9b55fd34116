// One configuration for every suite; scripts/test.mjs chooses which database it runs on.
export default {
  roots: ['<rootDir>/packages', '<rootDir>/services', '<rootDir>/test'],
  testMatch: ['**/*.test.ts'],
  testEnvironment: 'node',
  // `customExportConditions` makes tests run the sources, never a stale dist.
  testEnvironmentOptions: { customExportConditions: ['source', 'node', 'node-addons'] },
  extensionsToTreatAsEsm: ['.ts'],
  modulePathIgnorePatterns: ['/dist/'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      { jsc: { parser: { syntax: 'typescript' }, target: 'es2022' }, module: { type: 'es6' }, sourceMaps: 'inline' },
    ],
  },
  testTimeout: 120_000,
  // Plays that wait for servers of others, at a time in one file.
  maxConcurrency: 20,
  globalSetup: './test/setup/global.mjs',
  globalTeardown: './test/setup/teardown.mjs',
}
