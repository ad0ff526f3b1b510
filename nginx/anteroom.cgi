#!/bin/sh
# SPDX-License-Identifier: MIT
# Plain CGI on a shared host, beside the file htaccess: starts the program, which stays out of the web's folders. The first line
# is to name your folder. A script, since suEXEC keeps ANTEROOM_CONFIG from a program that the web server starts.
home=/path/to/your/anteroom
ANTEROOM_CONFIG=$home/anteroom.yaml exec "$home/anteroom.fcgi"
