#!/usr/bin/env node
// `shunt` as it is called. Plain JavaScript: what strips types takes longer to load than all of a small command, and what is
// compiled already needs it no more.
import './compiled.js';
import { isTooOld } from './node-version.js';

if (!isTooOld()) await import('./main.ts');
