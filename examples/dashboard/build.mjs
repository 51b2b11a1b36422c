#!/usr/bin/env node
// Starts build.ts. Plain JavaScript, because Node 20 runs no TypeScript by itself.
import { register } from 'tsx/esm/api'

register()
await import('./build.ts')
