// Placeholder until the certificate lands.
import type { Expression } from '@drnn/tensor';
export interface Domain { readonly [variable: string]: { readonly low: number; readonly high: number } }
export type Certificate = { readonly verdict: 'undecided' };
export const certifySlope = (_slope: Expression, _options: { readonly domain: Domain }): Certificate => ({ verdict: 'undecided' });
