#!/usr/bin/env node
// Starts src/main.ts. Plain JavaScript, because Node 20 runs no TypeScript by itself.
import { register } from 'tsx/esm/api'

register()
await import('./src/main.ts')
