/*
 * config_files.h: the configuration files, joined.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_FRONT_CONFIG_FILES_H
#define WAZO_AUTH_FRONT_CONFIG_FILES_H

#include "tree.h"

#define CONFIG_FILES_MAIN "/etc/wazo-auth/config.yml"
#define CONFIG_FILES_EXTRA "/etc/wazo-auth/conf.d"

extern Tree *config_files_read(const char *main_file, bool *found, char *error);
extern void config_files_json(const Tree *tree, Bytes *out);

#endif
