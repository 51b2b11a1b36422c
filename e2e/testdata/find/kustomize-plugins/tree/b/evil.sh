#!/bin/sh
touch /tmp/sealer-evil-plugin-ran
