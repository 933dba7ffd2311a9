/*
 * api_yaml.h
 *	  Keeps the description of the API.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_API_YAML_H
#define WAZO_AUTH_API_YAML_H

extern void api_yaml_init(void);

#endif							/* WAZO_AUTH_API_YAML_H */
