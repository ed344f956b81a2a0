// Specs as they always run, but for one piece of one source: a mistake that is planted, to see that it is found.
import { createHash } from 'node:crypto';
import swcJest from '@swc/jest';
import { swc } from '../../swc.mjs';

/** @param transformerConfig `{ file, from, to }`: a piece of a source that stands there once, and what stands in its place */
export default {
  createTransformer: ({ file, from, to }) => {
    const plain = swcJest.createTransformer(swc);
    const planted = (source, path) => {
      if (!path.endsWith(file)) return source;
      if (source.split(from).length !== 2) throw new Error(`${file} does not hold once: ${from}`);
      return source.replace(from, () => to);
    };
    return {
      canInstrument: false,
      process: (source, path, options) => plain.process(planted(source, path), path, options),
      processAsync: async (source, path, options) => plain.process(planted(source, path), path, options),
      getCacheKey: (source, path, options) => createHash('sha256').update(`${planted(source, path)} ${path} ${plain.getCacheKey(source, path, options)}`).digest('hex'),
    };
  },
};
