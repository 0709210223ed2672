#!/usr/bin/env node
// A file of its own, with its run bit in git: what a build writes has none.
import './dist/main.js';
