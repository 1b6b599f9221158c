// A proxy as the former platform's gateway was one: every request goes to the origin named first, from the port named second.
const express = require('express');
const proxy = require('express-http-proxy');

const [origin, port] = process.argv.slice(2);
express().disable('x-powered-by').use(proxy(origin)).listen(Number(port), '127.0.0.1');
