import { describe, expect, it } from '@jest/globals';
import { storableJson, storableText } from './storable-text.ts';

describe('text for the database', () => {
  it('replaces what PostgreSQL refuses and keeps everything else', () => {
    expect([storableText('a\0b'), storableText('\ud800x'), storableText('ü😀\n')]).toEqual(['a\ufffdb', '\ufffdx', 'ü😀\n']);
  });
  it('reaches names and values at any depth, and leaves a written-out escape alone', () => {
    expect(JSON.parse(storableJson({ 'n\0': [{ text: 'x\0' }, 1, null, true], literal: '\\u0000' }))).toEqual({ 'n\ufffd': [{ text: 'x\ufffd' }, 1, null, true], literal: '\\u0000' });
  });
});
