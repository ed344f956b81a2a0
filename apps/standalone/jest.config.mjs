import { preset } from '../../jest.preset.mjs';

export default preset('standalone-app');
