/** One transform for tests and bundles: both run the same JavaScript. */
export const swc = {
  swcrc: false, sourceMaps: 'inline', module: { type: 'es6' },
  jsc: {
    target: 'es2024', keepClassNames: true, parser: { syntax: 'typescript', decorators: true },
    transform: { legacyDecorator: true, decoratorMetadata: true, useDefineForClassFields: true },
  },
};
