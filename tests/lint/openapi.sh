#!/bin/sh
# SPDX-License-Identifier: MIT
# Holds /openapi.json against OpenAPI's own schema, by a validator that npm fetches once into build/npm: these very versions, no scripts.
set -eu
packages='@seriousme/openapi-schema-validator@2.11.0 ajv@8.20.0 ajv-draft-04@1.0.0 ajv-formats@3.0.1 fast-deep-equal@3.1.3
fast-uri@3.1.9 json-schema-traverse@1.0.0 require-from-string@2.0.2 yaml@2.9.1'
home=build/npm
validate() {
    node "$home/node_modules/@seriousme/openapi-schema-validator/bin/validate-api-cli.js" "$1"
}

if ! command -v npm >/dev/null; then
    echo "npm and node are missing (Debian: apt-get install npm)"
    exit 1
fi
if [ "$(cat "$home/packages" 2>/dev/null)" != "$packages" ]; then
    mkdir -p "$home"
    # shellcheck disable=SC2086 # a list of words
    timeout 120 npm install --prefix "$home" --save-exact --ignore-scripts --no-audit --no-fund --no-package-lock --loglevel=error \
        --no-update-notifier --fetch-retries=1 --fetch-retry-mintimeout=1000 --fetch-timeout=30000 $packages || {
        echo "the validator of OpenAPI could not be fetched: is npm's registry in reach? Once it has been, it stays in $home."
        exit 1
    }
    echo "$packages" >"$home/packages"
fi

validate build/openapi.json

# A validator that finds nothing in these finds nothing at all.
refuses() {
    sed "$1" build/openapi.json >"$home/wrong.json"
    if cmp -s build/openapi.json "$home/wrong.json" || validate "$home/wrong.json" >/dev/null; then
        echo "the validator takes what is wrong: $1"
        exit 1
    fi
}
refuses 's/"operationId"/"operationID"/'
refuses 's/"in": "path"/"in": "way"/'
refuses 's/"required": true/"required": "yes"/'
